# SPDX-License-Identifier: Apache-2.0
"""A pane of the screen: rows under headings, of which only the visible ones are ever drawn.

A `Listing` says what the rows are; the pane owns which of them are shown: the filter, the order,
the cursor and the scrolling. Runs on the screen's thread; `take` is called with the state's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from falcokit.cli.dev.figures import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from textual import events
    from textual.geometry import Region

    from falcokit.dev.state import DevState

__all__ = ["Column", "Listing", "Pane", "column_widths"]

_GAP: Final = 2
"""Blanks between columns."""

#: How the terminal's own colours are used.
_HEAD: Final = Style(dim=True)
_CURSOR: Final = Style(reverse=True)


@dataclass(frozen=True)
class Column:
    """A column: never narrower than its heading, and left out before anything is cut."""

    title: str
    width: int = 0
    right: bool = False
    #: Takes its share of the width that is left.
    grows: int = 0
    #: The higher, the earlier it is left out where there is no room; 0: never.
    spare: int = 0
    most: int = 0
    """At most so wide; 0: as wide as `width`."""


class Listing(Protocol):
    """What a pane shows."""

    name: str
    """One word, in the row of tabs."""
    title: str
    empty: str
    """Shown in place of rows."""
    columns: tuple[Column, ...]
    follows: bool
    """New rows come at the end, where the cursor stays unless it is moved."""

    def take(self, state: DevState) -> list[Any]:
        """Return the items as of now, none of which will change."""

    def subtitle(self) -> str:
        """Return what stands at the bottom of the pane, about the items last taken."""

    def cells(self, item: Any, widths: Sequence[int]) -> Sequence[Text]:
        """Return a cell for each column; where a width is 0 it is not shown."""

    def heading(self, at: int, width: int) -> str:
        """Return the heading of a column."""

    def value(self, item: Any, at: int) -> Any:
        """Return what items are sorted by, in one column."""

    def words(self, item: Any) -> str:
        """Return the text that a filter looks into."""

    def key(self, item: Any) -> Any:
        """Return what the cursor stays on when items come and go."""

    def detail(self, item: Any) -> tuple[str, RenderableType] | None:
        """Return title and text of what is known of an item beyond its row."""


class Pane(Widget, can_focus=True):
    """One pane."""

    BINDINGS: ClassVar = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
        Binding("tab", "app.next(1)", show=False),
        Binding("shift+tab", "app.next(-1)", show=False),
    ]

    class Opened(Message):
        """A row was chosen to be shown in detail."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, listing: Listing, number: int) -> None:
        super().__init__(id=listing.name.lower())
        self.listing = listing
        self._number = number
        self.words = ""
        #: The column that sorts, or None for the listing's own order; and whether it is turned.
        self.sorted_by: int | None = None
        self.turned = False
        self._items: list[Any] = []  # all
        self._subtitle = ""
        self._rows: list[Any] = []  # those that are shown
        self._cursor = 0
        self._top = 0
        self._follow = False
        #: Widths and style of the lines that are drawn, and the rows among them, by line.
        self._look: tuple[list[int], Style, bool, str] = ([], Style(), False, "")
        self._drawn: dict[int, tuple[Any, bool, Strip]] = {}
        self.renew_listing()

    def renew_listing(self) -> None:
        """Begin anew with a listing that has changed its columns."""
        self.border_title = f"{self._number} {self.listing.title}"
        self.sorted_by, self.turned, self._follow = None, False, self.listing.follows
        self._items, self._rows, self._cursor = [], [], 0
        self._drawn.clear()

    # ---- what is shown -------------------------------------------------------------------------

    def take(self, state: DevState) -> None:
        """Take the items from the state, and draw them anew if there is anything new."""
        items = self.listing.take(state)
        subtitle = self.listing.subtitle()
        if items != self._items or subtitle != self._subtitle or not items:
            self._items, self._subtitle = items, subtitle
            self.choose_rows()

    def choose_rows(self) -> None:
        """Filter and sort the items that were taken; the cursor stays on its item."""
        listing, words = self.listing, self.words.casefold()
        at = self.current
        rows = self._items
        if words:
            rows = [item for item in rows if words in listing.words(item).casefold()]
        if self.sorted_by is not None:
            column = self.sorted_by
            rows = sorted(rows, key=lambda item: listing.value(item, column), reverse=self.turned)
        elif self.turned:
            rows = rows[::-1]
        self._rows = rows
        if self._follow and self.sorted_by is None and not self.turned:
            self._cursor = len(rows) - 1
        elif at is not None:
            key = listing.key(at)
            if not (self._cursor < len(rows) and listing.key(rows[self._cursor]) == key):
                self._cursor = next(
                    (i for i, row in enumerate(rows) if listing.key(row) == key), self._cursor
                )
        self._place()

    @property
    def current(self) -> Any | None:
        """The item under the cursor."""
        return self._rows[self._cursor] if 0 <= self._cursor < len(self._rows) else None

    @property
    def shown(self) -> list[Any]:
        """The items that pass the filter, in their order."""
        return self._rows

    def _place(self) -> None:
        """Keep cursor and scrolling within the rows, and draw."""
        room = max(1, self.size.height - 1)
        self._cursor = max(0, min(self._cursor, len(self._rows) - 1))
        self._top = min(self._top, self._cursor, max(0, len(self._rows) - room))
        self._top = max(self._top, self._cursor - room + 1, 0)
        parts = [self.listing.subtitle()]
        if self.words:
            parts.append(f"/{self.words}: {len(self._rows)} of {len(self._items)}")
        elif len(self._rows) > room:
            parts.append(f"{self._cursor + 1} of {len(self._rows)}")
        # Markup would take a "[" of a filter for its own.
        self.border_subtitle = " · ".join(part.replace("[", r"\[") for part in parts if part)
        self.refresh()

    # ---- drawing -------------------------------------------------------------------------------

    def widths(self) -> list[int]:
        """Return the width of each column; 0: there is no room for it."""
        return column_widths(self.listing.columns, self.size.width)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines; what they have in common is asked for once."""
        look = (self.widths(), self.rich_style, self.has_focus, self.words)
        if look != self._look:
            self._look = look
            self._drawn.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line: the headings, or a row; a row that is as it was has been drawn."""
        widths = self._look[0]
        if y == 0:
            return self._line(self._headings(widths), widths, _HEAD)
        at = self._top + y - 1
        if at >= len(self._rows):
            text = self.listing.empty if y == 1 and not self._items else ""
            if y == 1 and self._items:
                text = "nothing matches the filter"
            return self._line([Text(text, "dim")], [self.size.width], Style())
        item, is_cursor = self._rows[at], at == self._cursor and self.has_focus
        drawn = self._drawn.get(y)
        if drawn is not None and drawn[1] == is_cursor and drawn[0] == item:
            return drawn[2]
        cells = self.listing.cells(item, widths)
        if self.words:
            cells = [marked(cell, self.words) for cell in cells]
        strip = self._line(cells, widths, _CURSOR if is_cursor else Style())
        self._drawn[y] = (item, is_cursor, strip)
        return strip

    def _headings(self, widths: list[int]) -> list[Text]:
        found = []
        for at, width in enumerate(widths):
            title = self.listing.heading(at, width)
            mark = ("▼" if self.turned else "▲") if at == self.sorted_by else ""
            found.append(Text(f"{title}{mark}"))
        return found

    def _line(self, cells: Sequence[Text], widths: Sequence[int], style: Style) -> Strip:
        base = self._look[1] + style
        console = self.app.console
        segments: list[Segment] = []
        columns = self.listing.columns
        for at, (cell, width) in enumerate(zip(cells, widths, strict=False)):
            if width == 0:
                continue
            if segments:
                segments.append(Segment(" " * _GAP, base))
            right = len(widths) == len(columns) and columns[at].right
            if cell.cell_len > width:
                cell.truncate(width, overflow="ellipsis")
            blanks = Segment(" " * (width - cell.cell_len), base)
            own = base + console.get_style(cell.style) if cell.style else base
            drawn = Segment.apply_style(cell.render(console, end=""), own)
            segments += [blanks, *drawn] if right else [*drawn, blanks]
        return Strip(segments).crop_extend(0, self.size.width, base)

    def on_resize(self) -> None:
        """Keep the cursor visible."""
        self._place()

    # ---- keys and mouse ------------------------------------------------------------------------

    def action_move(self, steps: int) -> None:
        """Move the cursor; rows that follow are followed again from the last one on."""
        self._cursor = max(0, min(self._cursor + steps, len(self._rows) - 1))
        self._follow = self.listing.follows and self._cursor >= len(self._rows) - 1
        self._place()

    def action_page(self, pages: int) -> None:
        """Move by what is visible."""
        self.action_move(pages * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """Move to the first row."""
        self.action_move(-len(self._rows))

    def action_last(self) -> None:
        """Move to the last row."""
        self.action_move(len(self._rows))

    def sort_next(self) -> None:
        """Sort by the next column that is visible, and after the last one by none."""
        visible = [at for at, width in enumerate(self.widths()) if width]
        later = [at for at in visible if self.sorted_by is None or at > self.sorted_by]
        self.sorted_by = later[0] if later else None
        self.choose_rows()

    def turn(self) -> None:
        """Turn the order round."""
        self.turned = not self.turned
        self.choose_rows()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_move(3)

    def on_click(self, event: events.Click) -> None:
        """Sort by a heading; put the cursor on a row; open it with the second click."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y == 0:
            self._sort_at(at.x)
            return
        row = self._top + at.y - 1
        if row >= len(self._rows):
            return
        again = row == self._cursor and event.chain > 1
        self.action_move(row - self._cursor)
        if again:
            self.post_message(self.Opened(self))

    def _sort_at(self, x: int) -> None:
        begin = 0
        for at, width in enumerate(self.widths()):
            if not width:
                continue
            if begin <= x < begin + width + _GAP:
                self.turned = self.sorted_by == at and not self.turned
                self.sorted_by = at
                self.choose_rows()
                return
            begin += width + _GAP


def column_widths(columns: Sequence[Column], room: int) -> list[int]:
    """Return the width of each column in so much room; 0: there is none for it."""
    kept = list(range(len(columns)))
    least = {at: max(column.width, len(column.title)) for at, column in enumerate(columns)}
    spare = sorted((at for at in kept if columns[at].spare), key=lambda at: -columns[at].spare)
    for at in spare:
        if sum(least[i] + _GAP for i in kept) - _GAP <= room:
            break
        kept.remove(at)
    found = [least[at] if at in kept else 0 for at in range(len(columns))]
    left = room - sum(found[at] + _GAP for at in kept) + _GAP
    growing = [at for at in kept if columns[at].grows]
    shares = sum(columns[at].grows for at in growing)
    for at in growing:
        part = left * columns[at].grows // shares if left > 0 else 0
        if columns[at].most:
            part = max(0, min(part, columns[at].most - found[at]))
        found[at] += part
        left, shares = left - part, shares - columns[at].grows
    return found
