/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/run_id.h"

#include "scheduler/time/instant.h"

char *run_id_make(RunType type, int64_t instant_us, bool has_logical_date)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    g_autofree char *instant = instant_format(instant_us, INSTANT_ISO);
    char suffix[10] = "";
    if (!has_logical_date) {
        suffix[0] = '_';
        for (int i = 1; i <= 8; i++)
            suffix[i] = letters[g_random_int_range(0, (gint32)sizeof letters - 1)];
        suffix[9] = '\0';
    }
    return g_strconcat(run_type_to_string(type), "__", instant, suffix, NULL);
}

bool run_id_check_manual(const char *run_id, GError **error)
{
    if (!run_id_is_valid(run_id)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "\"%s\" is not a run id: at most 200 letters, digits, and any of _.~:+- after the first",
                    run_id);
        return false;
    }
    RunType type = run_type_from_run_id(run_id);
    if (type == RUN_TYPE_MANUAL)
        return true;
    g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                "a manual DAG run cannot use ID '%s' since it is reserved for %s runs", run_id,
                run_type_to_string(type));
    return false;
}
