# SPDX-License-Identifier: MIT
# dr_embed(VARIABLE FILE...): text files as NUL-terminated C arrays, so that a program carries them with it. A FILE is one of
# the current folder, or NAME=PATH for one of another package; an empty PATH makes an empty array. VARIABLE becomes the list
# of C files to compile; an array is called like its file, in C's letters (report.css: report_css), or like NAME. The same
# file is the script that makes an array: cmake -D IN=... -D NAME=... -D OUT=... -P embed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  set(hex)
  if(IN)
    file(READ "${IN}" text)
    # A source map is a file that nobody has beside a report, and a browser would ask for it.
    string(REGEX REPLACE "(//# |/\\*# )sourceMappingURL=[^\n]*" "" text "${text}")
    file(WRITE "${OUT}.txt" "${text}")
    file(READ "${OUT}.txt" hex HEX)
    file(REMOVE "${OUT}.txt")
  endif()
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  file(WRITE "${OUT}" "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0};\n")
  return()
endif()

function(dr_embed variable)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  set(arrays)
  foreach(path IN LISTS ARGN)
    if(path MATCHES "^([A-Za-z0-9_]+)=(.*)$")
      set(name ${CMAKE_MATCH_1})
      set(path ${CMAKE_MATCH_2})
    else()
      get_filename_component(file ${path} NAME)
      string(MAKE_C_IDENTIFIER ${file} name)
      get_filename_component(path ${path} ABSOLUTE)
    endif()
    set(array ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${array} VERBATIM
      COMMAND ${CMAKE_COMMAND} -D IN=${path} -D NAME=${name} -D OUT=${array} -P ${script}
      DEPENDS ${path} ${script})
    list(APPEND arrays ${array})
  endforeach()
  set(${variable} ${arrays} PARENT_SCOPE)
endfunction()
