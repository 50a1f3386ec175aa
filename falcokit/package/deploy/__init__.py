# SPDX-License-Identifier: Apache-2.0
"""Texts that install an artifact: Falco, Helm, operator, Dockerfile, registry index."""
