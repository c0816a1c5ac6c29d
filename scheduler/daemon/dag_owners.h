/* SPDX-License-Identifier: MIT */
/** Which file has which dag_id, over the end of a process: else a copy of a file could take its dag_id. */
#pragma once

#include "scheduler/load/folder.h"
#include "scheduler/store/reader.h"

/** Tells a folder that was not scanned yet where its DAGs were when they were last stored. */
bool dag_owners_read(StoreConn *conn, DagFolder *folder, GError **error);
