/* SPDX-License-Identifier: MIT */
/**
 * Who watches which run, and the documents on their way to them.
 *
 * Documents are made right after the commit and delivered from the loop, outside of turns: watchers may do
 * what they like, a new turn included.
 */
#pragma once

#include "scheduler/daemon/internal.h"

Watch *watch_new(void);
void watch_free(Watch *watch);

/** Makes the documents of what has just been committed, for runs that somebody watches. */
void watch_collect(Daemon *daemon, const EngineOutput *output);
/** Hands out all documents that wait. Does nothing when it is being called already. */
void watch_deliver(Watch *watch);
