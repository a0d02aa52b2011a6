#ifndef POSTERN_POLICY_PROBLEMS_H
#define POSTERN_POLICY_PROBLEMS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/rules/list.h"

/*
 * The problems of the policy in force: bad lines of list files, bad rows of tables and settings
 * that refer to nothing; such entries are left out or have less effect than intended. Each problem
 * is logged when it appears and when it is gone, not at every load that finds it again. Only one
 * thread may call these functions.
 */
struct policy_problems;

/* The parts of a policy that are loaded separately. A list's part is its enum list_id. */
enum {
	POLICY_PROBLEMS_FOLDER = LIST_COUNT, /* files with nearly a list's name */
	POLICY_PROBLEMS_PROFILES,
	POLICY_PROBLEMS_USERS,
	POLICY_PROBLEMS_REFERENCES, /* users whose profile does not exist */
	POLICY_PROBLEMS_SETTINGS,   /* settings whose profile does not exist */
	POLICY_PROBLEMS_PARTS
};

/*
 * The number of new problems, and of resolved ones, that one policy_problems_log_changes() logs at
 * most.
 */
#define POLICY_PROBLEMS_LOGGED 100

struct policy_problems *policy_problems_new(void);		     /* NULL when out of memory */
void policy_problems_free(struct policy_problems **policy_problems); /* accepts NULL */

/* Replace the problems of a part; takes over problems. NULL: the part has none. */
void policy_problems_set(struct policy_problems *policy_problems, size_t part,
	struct problems *problems);

/* Log the changes since the last call, as far as log_bound.h admits lines. Call this when the
 * policy is in force. */
void policy_problems_log_changes(struct policy_problems *policy_problems);

/* Log once a minute how many lines were not admitted. now: clock_ms(). */
void policy_problems_report_unlogged(struct policy_problems *policy_problems, int64_t now);

/* Return how many problems or notes there are, including those whose text was not kept. */
size_t policy_problems_count(const struct policy_problems *policy_problems,
	enum problem_level level);

/*
 * The texts of a level that were kept, one per line; the caller must free() them. NULL when there
 * are none, or when out of memory.
 */
char *policy_problems_text(const struct policy_problems *policy_problems, enum problem_level level);

#endif
