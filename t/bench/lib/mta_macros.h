#ifndef POSTERN_BENCH_MTA_MACROS_H
#define POSTERN_BENCH_MTA_MACROS_H

#include "t/bench/lib/mta.h"

/* The macros that Postfix 3.7 sends with each event by default, as bits; for all stages. */
void mta_macros_default(uint64_t macros_r[MTA_STAGES]);

/*
 * Take over a filter's wishes (smfi_setsymlist) from the arguments of its
 * negotiation reply, after the three numbers: a place's number and names
 * separated by blanks, again and again. An empty list leaves the default, as in
 * Postfix. Notes them in mta as text too, "0=v {daemon_name};2=i;".
 * Returns -1 when the arguments can't be read.
 */
int mta_macros_parse(struct mta *mta, const char *args, size_t len);

/* Write the macro packet that goes before an event. Macros without a value are left out. */
void mta_macros_write(const struct mta *mta, char command, struct strbuf *out);

#endif
