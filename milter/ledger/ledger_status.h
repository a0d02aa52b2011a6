#ifndef POSTERN_LEDGER_STATUS_H
#define POSTERN_LEDGER_STATUS_H

#include "milter/ledger/ledger_file.h"
#include "milter/shared/status.h"

/*
 * The objects that the section describes; they and this struct must outlive the registry's last
 * use.
 */
struct ledger_section {
	struct ledger *ledger;
	struct ledger_file *file;
	struct problems
		*load_problems; /* the counts of earlier runs that were left out; NULL: none */
};

/* Register the section ledger. Returns 0, or -1 when out of memory. */
int ledger_status_register(struct ledger_section *section, struct status *registry);

#endif
