#ifndef POSTERN_STATUS_JSON_H
#define POSTERN_STATUS_JSON_H

#include <jansson.h>

#include "milter/shared/status.h"

/*
 * The cache thread's status as `posternctl status --json` shows it. now: wall clock. NULL when out
 * of memory. with_problems: the texts of the problems, too.
 */
json_t *status_json(const struct status *status, time_t now, bool with_problems);

/* The texts of a status as an array of strings; empty when there are none. NULL when out of memory.
 */
json_t *status_problems_json(const struct status *status);

#endif
