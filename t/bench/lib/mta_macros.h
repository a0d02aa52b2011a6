#ifndef POSTERN_BENCH_MTA_MACROS_H
#define POSTERN_BENCH_MTA_MACROS_H

#include "t/bench/lib/mta.h"

/* Set the macros that Postfix 3.7 sends with each event by default, as bits, for all stages. */
void mta_macros_default(uint64_t macros_r[MTA_STAGES]);

/*
 * Read the macros that a filter wants (smfi_setsymlist) from the arguments of its negotiation
 * reply, after the three numbers: pairs of a stage's number and names separated by blanks. An empty
 * list leaves the default, as in Postfix. Also notes them in mta as text, "0=v {daemon_name};2=i;".
 * Returns 0, or -1 if the arguments cannot be read.
 */
int mta_macros_parse(struct mta *mta, const char *args, size_t len);

/* Write the macro packet that precedes an event. Macros without a value are left out. */
void mta_macros_write(const struct mta *mta, char command, struct strbuf *out);

#endif
