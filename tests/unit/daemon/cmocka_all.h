/* SPDX-License-Identifier: MIT */
/** cmocka, with the headers it wants before itself. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
