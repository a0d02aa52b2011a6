#ifndef POSTERN_DESCRIPTOR_STATUS_H
#define POSTERN_DESCRIPTOR_STATUS_H

#include "milter/shared/status.h"

/*
 * Register the section "descriptors": the limit of open files, how much of it sessions use, and the
 * connections that had to wait. It reports a problem when connections have to wait, and
 * a note when less than a tenth of the limit is left. Returns 0, or -1 when out of memory.
 */
int descriptor_status_register(struct status *registry);

#endif
