# SPDX-License-Identifier: Apache-2.0
"""The Python that an artifact ships: interpreter, standard library, compiled modules."""
