# SPDX-License-Identifier: MIT
# Writes generated/drtest_version.h. It holds no date, no host and no user, so that two builds of one commit are equal.

set(DRTEST_COMMIT "unknown")
find_program(GIT_PROGRAM git)
if(GIT_PROGRAM)
  execute_process(
    COMMAND ${GIT_PROGRAM} rev-parse --show-prefix --short=12 HEAD
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE head ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND head MATCHES "^\n([0-9a-f]+)\n$") # an empty prefix: this repository, not one around it
    set(DRTEST_COMMIT ${CMAKE_MATCH_1})
    execute_process(
      COMMAND ${GIT_PROGRAM} rev-parse --git-path logs/HEAD
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE moves OUTPUT_STRIP_TRAILING_WHITESPACE)
    get_filename_component(moves ${moves} ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    if(EXISTS ${moves})
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${moves})
    endif()
  endif()
endif()

# Options that take the source directory's name are left out, so that the place of the clone does not show.
string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
get_directory_property(options COMPILE_OPTIONS)
list(FILTER options EXCLUDE REGEX "${PROJECT_SOURCE_DIR}")
list(JOIN options " " options)
string(STRIP "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION} ${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}} ${options}"
       DRTEST_BUILD_FLAGS)
string(REGEX REPLACE "  +" " " DRTEST_BUILD_FLAGS "${DRTEST_BUILD_FLAGS}")

configure_file(${CMAKE_CURRENT_LIST_DIR}/drtest_version.h.in ${PROJECT_BINARY_DIR}/generated/drtest_version.h @ONLY)
add_library(dr_version INTERFACE) # link it privately to include "drtest_version.h"
target_include_directories(dr_version INTERFACE ${PROJECT_BINARY_DIR}/generated)
