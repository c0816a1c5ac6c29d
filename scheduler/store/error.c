/* SPDX-License-Identifier: MIT */
#include "scheduler/store/error.h"

G_DEFINE_QUARK(weir - store - error - quark, store_error)
