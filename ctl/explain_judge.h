#ifndef POSTERN_EXPLAIN_JUDGE_H
#define POSTERN_EXPLAIN_JUDGE_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/cmd.h"
#include "lib/base/errmsg.h"

/* The source of decisions: the policy of the files, or the running daemon. */
struct explain_judge;

/* Open the judge. EX_OK, or an exit code after the reason has been printed. Warnings are printed,
 * too. */
int explain_judge_open(const struct ctl *ctl, bool running, struct explain_judge **judge_r);

/*
 * Ask for the decision about a session. CTL_OK with a new reference to the answer, or CTL_FAILED,
 * CTL_UNREACHABLE or an exit code with err set.
 */
int explain_judge_ask(struct explain_judge *judge, json_t *session, json_t **answer_r,
	struct errmsg *err);

/* Free the judge and set the pointer to NULL, which may be NULL before. */
void explain_judge_close(struct explain_judge **judge);

#endif
