# SPDX-License-Identifier: Apache-2.0
"""`falcokit dev`: the live screen and its plain lines."""
