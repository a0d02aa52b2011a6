#ifndef POSTERN_LEDGER_STATUS_H
#define POSTERN_LEDGER_STATUS_H

#include "milter/ledger/ledger_file.h"
#include "milter/shared/status.h"

/* What the section describes; it and the two objects outlive the registry's last use. */
struct ledger_section {
	struct ledger *ledger;
	struct ledger_file *file;
	struct errmsg open_error; /* why counts are not kept over a restart; "" when they are */
};

/* Register the section ledger. -1 when out of memory. */
int ledger_status_register(struct ledger_section *section, struct status *registry);

#endif
