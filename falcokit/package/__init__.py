# SPDX-License-Identifier: Apache-2.0
"""From a project to one file that any Falco loads."""
