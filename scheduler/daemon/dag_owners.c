/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/dag_owners.h"

bool dag_owners_read(StoreConn *conn, DagFolder *folder, GError **error)
{
    g_autoptr(GPtrArray) rows = store_list_dags(conn, &(DagQuery)DAG_QUERY_ALL, NULL, error);
    for (guint i = 0; rows != NULL && i < rows->len; i++) {
        const DagRow *row = rows->pdata[i];
        if (row->fileloc != NULL)
            dag_folder_set_owner(folder, row->dag_id, row->fileloc);
    }
    return rows != NULL;
}
