#ifndef POSTERN_SMTP_STATUS_H
#define POSTERN_SMTP_STATUS_H

#include "milter/shared/shared.h"
#include "milter/shared/status.h"

/*
 * Register the section sessions: the sessions that libmilter opened, and the verdicts that they
 * received. shared must outlive the registry's last use. Returns 0, or -1 when out of memory.
 */
int smtp_status_register(struct shared *shared, struct status *registry);

#endif
