# SPDX-License-Identifier: MIT
# What every compiler call has in common, and dr_warnings: the flags that each target of ours links privately.

include_directories(${PROJECT_SOURCE_DIR}) # includes are written from the repository root
add_compile_definitions(_GNU_SOURCE)

add_library(dr_warnings INTERFACE)
target_compile_options(dr_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>
  $<$<BOOL:${DRTEST_WERROR}>:-Werror>)

if(DRTEST_SANITIZE)
  add_compile_options(-fsanitize=${DRTEST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DRTEST_SANITIZE})
endif()

if(DRTEST_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "DRTEST_FUZZ needs clang: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link) # all rooms count their branches, tests/fuzz links the rest
endif()

if(DRTEST_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
else()
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=) # equal sources, equal binaries, wherever they lie
endif()

if(DRTEST_HARDEN)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES C)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    add_compile_options(-fcf-protection)
  endif()
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
