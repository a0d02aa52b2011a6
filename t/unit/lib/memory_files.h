#ifndef POSTERN_MEMORY_FILES_H
#define POSTERN_MEMORY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/rules/ledger.h"

/*
 * The journal and the checkpoint of a ledger in memory, for tests with threads. One ledger of a
 * process at a time has them. Any thread may call these functions, except that only one loads or
 * frees, while no other uses them. A failure fails the test.
 */

/* Whether memory_files_save() fails; and the key of the last record that it saved. */
extern _Thread_local bool memory_files_fail;
extern _Thread_local char memory_files_last[128];

/* A ledger_save_fn. */
int memory_files_save(void *context, const struct ledger_record *records, size_t count);

/* Write a checkpoint, which may fail at its end. */
void memory_files_checkpoint(struct ledger *ledger, uint64_t now, bool fails);

/* Fill the ledger, which is empty. */
void memory_files_load(struct ledger *ledger);

/* The bytes of the last checkpoint. Not while another thread writes one. */
size_t memory_files_checkpoint_size(void);

void memory_files_free(void);

#endif
