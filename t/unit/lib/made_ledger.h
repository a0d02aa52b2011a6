#ifndef POSTERN_MADE_LEDGER_H
#define POSTERN_MADE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "milter/ledger/ledger_file.h"

/*
 * A ledger with its files in a directory of a test. A failure fails the test. One at a time in a
 * process.
 */
extern char made_path[96]; /* of the checkpoint; a test may change it before opening */
extern struct ledger *made_ledger;
extern struct ledger_file *made_file;
extern struct problems *made_problems; /* of the last opening */

/* The limits of each charge: 1,000 in a day and 20,000 in thirty days. */
extern const struct limit made_limits[2];

/* As a checked fixture: make the directory; close the files and remove it. */
void made_ledger_setup(void);
void made_ledger_teardown(void);

/* Close the files if they are open, then open them again with these clocks (NULL: the machine's).
 */
void made_ledger_open(const struct ledger_clocks *clocks);
void made_ledger_close(void);

/* Charge or reserve 1, and the count of a key in the window of made_limits[limit]. */
enum ledger_answer made_ledger_charge(const char *key);
enum ledger_answer made_ledger_reserve(struct ledger_hold **hold, const char *key);
uint64_t made_ledger_used(const char *key, size_t limit);

void made_ledger_checkpoint(void);

/* The name of a journal; it is valid until the next call. */
const char *made_journal(unsigned number);

bool made_exists(const char *name);

/* A whole file: read it, to be freed; replace it. */
char *made_read(const char *name, size_t *len_r);
void made_write(const char *name, const char *text, size_t len);

/* Remove a directory and the files in it. */
void made_remove_all(const char *folder);

#endif
