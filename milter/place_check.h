#ifndef POSTERN_PLACE_CHECK_H
#define POSTERN_PLACE_CHECK_H

#include "milter/files_check.h"
#include "milter/unit.h"

/*
 * Check whether the daemon can create its sockets and the file of its process id; pid_file: that of
 * -P, NULL: that of the configuration. by_root: root starts the daemon. unit: systemd starts it,
 * and may hold some of the sockets; NULL: something else does. Adds what prevents a start to
 * problems.
 */
void place_check(const struct config *config, const char *pid_file, bool by_root,
	const struct unit *unit, struct problems *problems);

/*
 * Check whether systemd's unit lets the daemon write where the configuration has its sockets and
 * files, and give the sockets their groups. These are restrictions of the unit, beside the rights
 * of its user. Adds what prevents a start to report->unreadable, and the rest to report->problems.
 */
void place_check_unit(const struct config *config, const struct unit *unit,
	struct files_report *report);

#endif
