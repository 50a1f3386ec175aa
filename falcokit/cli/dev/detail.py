# SPDX-License-Identifier: Apache-2.0
"""A box over the screen with all that is known of one thing: an event, an alert, help."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType
    from textual import events
    from textual.app import ComposeResult

__all__ = ["Detail"]


class Detail(ModalScreen[None]):
    """The box; `content` is asked again by `renew`, as more may have become known."""

    CSS: ClassVar = """
    Detail { align: center middle; }
    Detail > VerticalScroll {
        width: 90%; max-width: 120; height: auto; max-height: 90%;
        border: round $accent; padding: 0 1; background: $surface;
        border-subtitle-color: $text-muted;
    }
    Detail Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,enter,q,question_mark", "dismiss_box", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("home", "scroll(-1000000)", show=False),
        Binding("end", "scroll(1000000)", show=False),
    ]

    def __init__(
        self, content: Callable[[], tuple[str, RenderableType]], revision: Callable[[], object]
    ) -> None:
        """`content` is asked only when `revision` has changed."""
        super().__init__()
        self._content, self._revision = content, revision
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """Make the box; it takes the focus, for scrolling."""
        with VerticalScroll(can_focus=False) as box:
            box.border_subtitle = "esc close · ↑↓ scroll"
            yield Static(id="text")

    def on_mount(self) -> None:
        """Show the content."""
        self._show()

    def renew(self) -> None:
        """Show the content anew if there is more."""
        if self.is_mounted and self._revision() != self._shown:
            self._show()

    def _show(self) -> None:
        self._shown = self._revision()
        title, text = self._content()
        self.query_one(VerticalScroll).border_title = title.replace("[", r"\[")
        self.query_one("#text", Static).update(text)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_dismiss_box(self) -> None:
        """Close the box."""
        self.dismiss()

    def on_click(self, event: events.Click) -> None:
        """Close the box by a click beside it."""
        if event.widget is self:
            self.dismiss()
