#ifndef POSTERN_DATABASE_CHECK_H
#define POSTERN_DATABASE_CHECK_H

#include "lib/rules/policy.h"
#include "milter/files_check.h"

/*
 * Read the tables of a database of which there is no copy into parts, as a daemon that starts
 * would. Adds to report why they cannot be read, and the problems of the rows.
 */
void database_check(const struct config *config, struct policy_parts *parts,
	struct files_report *report);

#endif
