# SPDX-License-Identifier: Apache-2.0
"""`falcokit doctor`: one table of checks, of this machine, the hosts on it, and the project."""
