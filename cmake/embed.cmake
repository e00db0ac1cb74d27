# SPDX-License-Identifier: MIT
# dr_embed(VARIABLE FILE...): text files of the current folder as NUL-terminated C arrays, so that a program carries them with
# it. VARIABLE becomes the list of C files to compile; an array is called like its file, in C's letters (report.css:
# report_css). The same file is the script that makes an array: cmake -D IN=... -D NAME=... -D OUT=... -P embed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${IN}" hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(WRITE "${OUT}" "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0x00};\n")
  return()
endif()

function(dr_embed variable)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  set(arrays)
  foreach(path IN LISTS ARGN)
    get_filename_component(file ${path} NAME)
    string(MAKE_C_IDENTIFIER ${file} name)
    get_filename_component(path ${path} ABSOLUTE)
    set(array ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${array} VERBATIM
      COMMAND ${CMAKE_COMMAND} -D IN=${path} -D NAME=${name} -D OUT=${array} -P ${script}
      DEPENDS ${path} ${script})
    list(APPEND arrays ${array})
  endforeach()
  set(${variable} ${arrays} PARENT_SCOPE)
endfunction()
