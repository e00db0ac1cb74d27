# SPDX-License-Identifier: MIT
# cmake -D RUNNER=program -D ROOM=name -D LABEL=kind -D TIMEOUT=seconds -D LIST=file -D DIRECTORY=tests -P discover.cmake
#
# Asks a unit test program for its suites and writes an add_test line for each. The old list goes first: when the
# program cannot even list its suites, CTest must not go on with yesterday's. A suite function in the room's tests that
# the program does not list would never run, which is an error, too.
cmake_minimum_required(VERSION 3.25)
file(REMOVE ${LIST})
set(ENV{ASAN_OPTIONS} "detect_leaks=0") # LeakSanitizer needs ptrace, which some containers forbid; listing leaks nothing
execute_process(COMMAND ${RUNNER} --list TIMEOUT 30 OUTPUT_VARIABLE names RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${RUNNER} --list: ${failed}")
endif()
string(REGEX MATCHALL "[^\n]+" names "${names}")
if(NOT names)
  message(FATAL_ERROR "${RUNNER} --list: no suites; add SUITE(name) lines to tests/unit/${ROOM}/suites.h")
endif()

file(GLOB sources ${DIRECTORY}/*.c)
foreach(source IN LISTS sources)
  file(STRINGS ${source} heads REGEX "^void suite_[a-z0-9_]+\\(void\\)$")
  foreach(head IN LISTS heads)
    string(REGEX REPLACE "^void suite_([a-z0-9_]+).*$" "\\1" name "${head}")
    if(NOT name IN_LIST names)
      message(FATAL_ERROR "${source}: suite_${name} would never run: add SUITE(${name}) to tests/unit/${ROOM}/suites.h")
    endif()
  endforeach()
endforeach()

set(text "")
foreach(name IN LISTS names)
  set(test ${LABEL}.${ROOM}.${name})
  string(APPEND text "add_test(\"${test}\" \"${RUNNER}\" \"${name}\")\n"
    "set_tests_properties(\"${test}\" PROPERTIES LABELS \"${LABEL}\" TIMEOUT ${TIMEOUT} SKIP_RETURN_CODE 77")
  if(LABEL STREQUAL "live")
    string(APPEND text " RESOURCE_LOCK network PROCESSORS 2")
  endif()
  string(APPEND text ")\n")
endforeach()
file(WRITE ${LIST} "${text}")
