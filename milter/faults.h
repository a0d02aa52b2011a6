#ifndef POSTERN_FAULTS_H
#define POSTERN_FAULTS_H

#include <stddef.h>

#include "lib/base/problems.h"
#include "lib/rules/list.h"

/*
 * What is wrong with the policy in force: the bad lines of each list file and the bad rows of each
 * table, which are left out or do less than they say. Each is logged once, when it comes, and once
 * more when it is mended; not at every load that finds it again. For one thread.
 */
struct faults;

/* The parts that are loaded each by itself; a list file's part is its enum list_id. */
enum {
	FAULTS_PROFILES = LIST_COUNT,
	FAULTS_USERS,
	FAULTS_REFERENCES,
	FAULTS_SETTINGS, /* profiles that the configuration names */
	FAULTS_PARTS
};

#define FAULTS_LOGGED 100 /* lines that one faults_settle() logs, of what came and of what went */

struct faults *faults_new(void);	  /* NULL when out of memory */
void faults_free(struct faults **faults); /* takes NULL */

/* What a load of that part found is all there is now. Takes problems over; NULL: nothing is bad. */
void faults_set(struct faults *faults, size_t part, struct problems *problems);

/* Log what changed since the last call: to be called when what was loaded is in force. */
void faults_settle(struct faults *faults);

size_t faults_count(const struct faults *faults); /* all */

/* Those that have a text, a line each; the caller's to free(). NULL: there is none, or no memory.
 */
char *faults_text(const struct faults *faults);

#endif
