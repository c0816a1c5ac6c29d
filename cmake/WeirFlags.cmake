# Warnings, sanitizers and hardening travel with one interface target, never with global flags.
add_library(weir_flags INTERFACE)
target_include_directories(weir_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(weir_flags INTERFACE _GNU_SOURCE G_LOG_DOMAIN="weir" GLIB_VERSION_MIN_REQUIRED=GLIB_VERSION_2_74
                           GLIB_VERSION_MAX_ALLOWED=GLIB_VERSION_2_74)
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith
  -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wno-missing-field-initializers -fno-common -fPIE)
target_link_options(weir_flags INTERFACE -pie)
if(WEIR_WERROR)
  target_compile_options(weir_flags INTERFACE -Werror)
endif()
if(WEIR_CRASH_POINTS)
  target_compile_definitions(weir_flags INTERFACE WEIR_CRASH_POINTS=1)
endif()
if(WEIR_SANITIZE)
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(weir_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  target_link_options(weir_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${WEIR_CCACHE})
endif()

file(WRITE ${CMAKE_BINARY_DIR}/generated/version.h.tmp "#pragma once\n#define WEIR_VERSION \"${PROJECT_VERSION}\"\n")
configure_file(${CMAKE_BINARY_DIR}/generated/version.h.tmp ${CMAKE_BINARY_DIR}/generated/weir_version.h COPYONLY)
