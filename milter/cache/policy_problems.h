#ifndef POSTERN_POLICY_PROBLEMS_H
#define POSTERN_POLICY_PROBLEMS_H

#include <stddef.h>

#include "lib/base/problems.h"
#include "lib/rules/list.h"

/*
 * What is wrong with the policy in force: the bad lines of each list file and the bad rows of each
 * table, which are left out or do less than they say. Each is logged once, when it comes, and once
 * more when it is mended; not at every load that finds it again. For one thread.
 */
struct policy_problems;

/* The parts that are loaded each by itself; a list file's part is its enum list_id. */
enum {
	POLICY_PROBLEMS_PROFILES = LIST_COUNT,
	POLICY_PROBLEMS_USERS,
	POLICY_PROBLEMS_REFERENCES,
	POLICY_PROBLEMS_SETTINGS, /* profiles that the configuration names */
	POLICY_PROBLEMS_PARTS
};

#define POLICY_PROBLEMS_LOGGED \
	100 /* lines that one policy_problems_settle() logs, of what came and of what went */

struct policy_problems *policy_problems_new(void);		     /* NULL when out of memory */
void policy_problems_free(struct policy_problems **policy_problems); /* takes NULL */

/* What a load of that part found is all there is now. Takes problems over; NULL: nothing is bad. */
void policy_problems_set(struct policy_problems *policy_problems, size_t part,
	struct problems *problems);

/* Log what changed since the last call: to be called when what was loaded is in force. */
void policy_problems_settle(struct policy_problems *policy_problems);

size_t policy_problems_count(const struct policy_problems *policy_problems); /* all */

/* Those that have a text, a line each; the caller's to free(). NULL: there is none, or no memory.
 */
char *policy_problems_text(const struct policy_problems *policy_problems);

#endif
