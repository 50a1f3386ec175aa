# SPDX-License-Identifier: Apache-2.0
"""What runs inside the host: the author's classes and the bridge to the glue library.

Imports the standard library and msgspec only: it ships inside Falco.
"""
