#ifndef POSTERN_DOCTOR_EXAMINATIONS_H
#define POSTERN_DOCTOR_EXAMINATIONS_H

#include "ctl/doctor/doctor.h"

/*
 * The examinations, each in the file doctor_SUBJECT.c. Each adds findings, and what it could not
 * examine, to doctor->report. A rule that the daemon checks itself is not checked anew: its finding
 * comes from doctor->status.
 */
void doctor_examine_daemon(const struct doctor *doctor);
void doctor_examine_sockets(const struct doctor *doctor);
void doctor_examine_postfix(const struct doctor *doctor);
void doctor_examine_sasl(const struct doctor *doctor);
void doctor_examine_macros(const struct doctor *doctor);
void doctor_examine_sendmail(const struct doctor *doctor);
void doctor_examine_clients(const struct doctor *doctor);
void doctor_examine_fail2ban(const struct doctor *doctor);
void doctor_examine_database(const struct doctor *doctor);
void doctor_examine_users(const struct doctor *doctor);
void doctor_examine_limits(const struct doctor *doctor);
void doctor_examine_system(const struct doctor *doctor);

#endif
