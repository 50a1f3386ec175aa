# SPDX-License-Identifier: Apache-2.0
"""The modules of the standard library that an artifact carries only on request, and why.

Read by `stdlib`. docs/package-contents.md lists them for authors; a test compares the two.
"""

from __future__ import annotations

__all__ = ["LEFT_OUT"]

_TERMINAL = "for programs on a terminal, and Falco's is not the plugin's"
_WINDOW = "opens windows; there is no display"
_TEST = "tests of Python itself"
_INSTALL = "installs packages or makes environments; inside Falco nothing is installed"
_DEBUGGER = "debugs or measures whole programs from a terminal"
_DEVELOP = "works on source code, which the artifact does not hold"
_OTHER_SYSTEM = "serves another operating system"
_OBSOLETE = "removed from Python 3.13"
_INTERPRETERS = "makes further interpreters, which extension modules refuse to run in"
_COPY = "the same as a module written in C, which is there"
_JOKE = "an example or a joke"
_DATABASE = "needs a library that few systems have"
_SIZE = "for size: {}"
_PROTOCOL = "for size: 0.1 MB together; other protocols than HTTP and SMTP"

#: Of single languages and old systems. UTF-8 and its kin, ASCII, Latin-1 and -9, cp1252 stay.
_CODE_PAGES = """
    big5 big5hkscs cp037 cp1006 cp1026 cp1125 cp1140 cp1250 cp1251 cp1253 cp1254 cp1255
    cp1256 cp1257 cp1258 cp273 cp424 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857
    cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp875 cp932 cp949 cp950
    euc_jis_2004 euc_jisx0213 euc_jp euc_kr gb18030 gb2312 gbk hp_roman8 hz iso2022_jp
    iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    iso8859_10 iso8859_11 iso8859_13 iso8859_14 iso8859_16 iso8859_2 iso8859_3 iso8859_4
    iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 johab koi8_r koi8_t koi8_u kz1048
    mac_arabic mac_croatian mac_cyrillic mac_farsi mac_greek mac_iceland mac_latin2
    mac_roman mac_romanian mac_turkish palmos ptcp154 shift_jis shift_jis_2004
    shift_jisx0213 tis_620
""".split()  # noqa: SIM905  # a line each would be a page

#: What is left out unless [tool.falcokit.package] include names it, and why.
LEFT_OUT: dict[str, str] = {
    "test": _TEST,
    "ctypes.test": _TEST,
    "unittest.test": _TEST,
    "_testbuffer": _TEST,
    "_testcapi": _TEST,
    "_testclinic": _TEST,
    "_testclinic_limited": _TEST,
    "_testexternalinspection": _TEST,
    "_testimportmultiple": _TEST,
    "_testinternalcapi": _TEST,
    "_testlimitedcapi": _TEST,
    "_testmultiphase": _TEST,
    "_testsinglephase": _TEST,
    "_ctypes_test": _TEST,
    "_xxtestfuzz": _TEST,
    "xxlimited": _TEST,
    "xxlimited_35": _TEST,
    "xxlimited_3_13": _TEST,
    "xxsubtype": _TEST,
    "_distutils_system_mod": _OBSOLETE,  # Debian's own
    "distutils": _OBSOLETE,
    "lib2to3": _OBSOLETE,
    "msilib": _OBSOLETE,
    "nis": _OBSOLETE,
    "ossaudiodev": _OBSOLETE,
    "audioop": _OBSOLETE,
    "aifc": _OBSOLETE,
    "cgi": _OBSOLETE,
    "cgitb": _OBSOLETE,
    "crypt": _OBSOLETE,
    "pipes": _OBSOLETE,
    "spwd": _OBSOLETE,
    "chunk": _OBSOLETE,
    "asynchat": _OBSOLETE,
    "asyncore": _OBSOLETE,
    "imghdr": _OBSOLETE,
    "mailcap": _OBSOLETE,
    "nntplib": _OBSOLETE,
    "smtpd": _OBSOLETE,
    "telnetlib": _OBSOLETE,
    "uu": _OBSOLETE,
    "xdrlib": _OBSOLETE,
    "sndhdr": _OBSOLETE,
    "sunau": _OBSOLETE,
    "tkinter": _WINDOW,
    "idlelib": _WINDOW,
    "turtle": _WINDOW,
    "turtledemo": _WINDOW,
    "asyncio.__main__": _TERMINAL,
    "curses": _TERMINAL,
    "readline": _TERMINAL,
    "rlcompleter": _TERMINAL,
    "_pyrepl": _TERMINAL,
    "pty": _TERMINAL,
    "cmd": _TERMINAL,
    "ensurepip": _INSTALL,
    "venv": _INSTALL,
    "zipapp": _INSTALL,
    "pdb": _DEBUGGER,
    "doctest": _DEBUGGER,
    "cProfile": _DEBUGGER,
    "profile": _DEBUGGER,
    "profiling": _DEBUGGER,
    "pstats": _DEBUGGER,
    "trace": _DEBUGGER,
    "pydoc": _DEVELOP,
    "compileall": _DEVELOP,
    "py_compile": _DEVELOP,
    "pyclbr": _DEVELOP,
    "tabnanny": _DEVELOP,
    "modulefinder": _DEVELOP,
    "symtable": _DEVELOP,
    "pickletools": _DEVELOP,
    "asyncio.windows_events": _OTHER_SYSTEM,
    "asyncio.windows_utils": _OTHER_SYSTEM,
    "ctypes.macholib": _OTHER_SYSTEM,
    "encodings.mbcs": _OTHER_SYSTEM,
    "encodings.oem": _OTHER_SYSTEM,
    "multiprocessing.popen_spawn_win32": _OTHER_SYSTEM,
    "_aix_support": _OTHER_SYSTEM,
    "_android_support": _OTHER_SYSTEM,
    "_apple_support": _OTHER_SYSTEM,
    "_ios_support": _OTHER_SYSTEM,
    "_osx_support": _OTHER_SYSTEM,
    "_interpchannels": _INTERPRETERS,
    "_interpqueues": _INTERPRETERS,
    "_interpreters": _INTERPRETERS,
    "_xxinterpchannels": _INTERPRETERS,
    "_xxsubinterpreters": _INTERPRETERS,
    "concurrent.futures.interpreter": _INTERPRETERS,
    "concurrent.interpreters": _INTERPRETERS,
    "dbm": _DATABASE,
    "sqlite3": _SIZE.format("0.8 MB with its library"),
    "_codecs_cn": _SIZE.format("0.1 MB; the encodings gb2312, gbk, gb18030, hz"),
    "_codecs_hk": _SIZE.format("0.1 MB; the encoding big5hkscs"),
    "_codecs_iso2022": _SIZE.format("the encodings iso2022_*"),
    "_codecs_jp": _SIZE.format("0.1 MB; the encodings shift_jis*, euc_j*, cp932"),
    "_codecs_kr": _SIZE.format("0.1 MB; the encodings euc_kr, cp949, johab"),
    "_codecs_tw": _SIZE.format("0.1 MB; the encodings big5, cp950"),
    "unittest": _SIZE.format("0.1 MB"),
    "bz2": _SIZE.format("0.1 MB with its library"),
    "lzma": _SIZE.format("0.1 MB with its library"),
    "compression.bz2": _SIZE.format("0.1 MB with its library"),
    "compression.lzma": _SIZE.format("0.1 MB with its library"),
    **{f"encodings.{name}": _SIZE.format("0.2 MB together") for name in _CODE_PAGES},
    "ftplib": _PROTOCOL,
    "imaplib": _PROTOCOL,
    "mailbox": _PROTOCOL,
    "poplib": _PROTOCOL,
    "wsgiref": _PROTOCOL,
    "xmlrpc": _PROTOCOL,
    "_pydatetime": _COPY,
    "_pydecimal": _COPY,
    "_pyio": _COPY,
    "antigravity": _JOKE,
    "this": _JOKE,
    "__hello__": _JOKE,
    "__phello__": _JOKE,
}
