/* SPDX-License-Identifier: MIT */
/**
 * The three topics together, all or nothing: they are written into a hidden folder beside their place and
 * renamed into it when they are complete.
 */
#pragma once

#include "tools/emulator/options.h"

/** Writes the tree that `options` asks for. False with `error`, and nothing left behind, if it cannot. */
gboolean tree_write(const Options *options, GError **error);
