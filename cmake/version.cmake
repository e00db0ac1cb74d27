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

configure_file(${CMAKE_CURRENT_LIST_DIR}/drtest_version.h.in ${PROJECT_BINARY_DIR}/generated/drtest_version.h @ONLY)
add_library(dr_version INTERFACE) # link it privately to include "drtest_version.h"
target_include_directories(dr_version INTERFACE ${PROJECT_BINARY_DIR}/generated)
