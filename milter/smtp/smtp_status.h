#ifndef POSTERN_SMTP_STATUS_H
#define POSTERN_SMTP_STATUS_H

#include "milter/shared/status.h"

/* Register the section sessions: the sessions that libmilter opened. -1 when out of memory. */
int smtp_status_register(struct status *registry);

#endif
