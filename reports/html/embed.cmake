# SPDX-License-Identifier: MIT
# cmake -D IN=report.css -D NAME=report_css -D OUT=report_css.c -P embed.cmake
# Turns a text file into a NUL-terminated C array, so that the report carries its style sheet and script with it.
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUT}" "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0x00};\n")
