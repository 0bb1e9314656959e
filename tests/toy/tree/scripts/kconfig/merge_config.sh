#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The toy's: takes every line but those of symbols that this kernel does not know, LOST.
# merge_config.sh -n -O DIR FRAGMENT
grep -v LOST "$4" >"$3/.config"
# shellcheck disable=SC2013
for symbol in $(sed -n 's/^\(CONFIG_[A-Z_]*LOST\)=.*/\1/p' "$4"); do
	echo "Value requested for $symbol not in final .config"
	echo "Requested value:  $(grep "$symbol" "$4")"
	echo "Actual value:     "
	echo
done
