/*
 * The status section of the ledger: the number of its entries, and whether its file keeps them. It
 * owns nothing and runs on the server thread; ledger and file have their own locks.
 * t/integration/test_status.py covers it.
 */
#include "milter/ledger/ledger_status.h"

#include "milter/log/json_text.h"

/* Set *err_r to the reason why charges are not saved. */
static void find_error(const struct ledger_section *section, struct errmsg *err_r)
{
	ledger_file_late(section->file, err_r);
	if (err_r->text[0] == '\0')
		ledger_file_error(section->file, err_r);
}

static json_t *describe_ledger(void *context)
{
	const struct ledger_section *section = context;
	const struct ledger_size size = ledger_size(section->ledger);
	struct errmsg error;

	find_error(section, &error);
	return json_pack("{s:I, s:I, s:b, s:I, s:I, s:b, s:o}", "keys", (json_int_t)size.keys,
		"memory_bytes", (json_int_t)size.bytes, "full", (int)size.is_full, "evicted",
		(json_int_t)size.evicted, "unsaved", (json_int_t)size.unsaved, "outlives_restart",
		error.text[0] == '\0', "error", json_text_or_null(error.text));
}

/* Report the counts of earlier runs that could not be read; their keys begin anew. */
static void check_loaded(const struct problems *problems, struct status_health *health)
{
	for (size_t i = 0; problems != NULL && i < problems_kept(problems); i++)
		status_add_problem(health,
			"If it is readable, let the daemon's user read it and restart postern; else "
			"remove it. A restart clears this problem.",
			"counts of rate limits of earlier runs are left out: %s",
			problems_text(problems, i));
	for (size_t i = 0; problems != NULL && i < problems_level_kept(problems, PROBLEM_NOTE); i++)
		status_add_note(health, "Nothing needs to be done. A restart clears this note.",
			"%s", problems_level_text(problems, PROBLEM_NOTE, i));
}

static void check_ledger(void *context, struct status_health *health)
{
	const struct ledger_section *section = context;
	const struct ledger_size size = ledger_size(section->ledger);
	struct errmsg error, checkpoint, put_aside, late;

	if (size.is_full)
		status_add_problem(health,
			"Look at posternctl limits for networks whose overflow count is full. If they "
			"are legitimate, raise [limits] max_keys or max_memory.",
			"the counts of rate limits are full, or one network has its share of them: new "
			"clients and addresses of a network share one limit");
	ledger_file_late(section->file, &late);
	ledger_file_error(section->file, &error);
	ledger_file_checkpoint_error(section->file, &checkpoint);
	ledger_file_put_aside(section->file, &put_aside);
	status_note_put_aside(health, &put_aside);
	check_loaded(section->load_problems, health);
	if (late.text[0] != '\0')
		status_add_problem(health,
			STATUS_REPAIR_DISK
			" "
			"Postern then saves all counts. Until then, [milter] on_error applies to "
			"what cannot be saved.",
			"charges cannot be saved in the files of the ledger: %s", late.text);
	if (error.text[0] != '\0')
		status_add_problem(health,
			"Create the directory of [limits] state, check its mode and its free space, or "
			"end the other daemon that uses it. Postern keeps trying.",
			"charges cannot be saved in the files of the ledger: %s", error.text);
	if (checkpoint.text[0] != '\0')
		status_add_problem(health,
			"Check the mode and the free space of the directory of [limits] state. "
			"Until then the journals grow.",
			"the ledger cannot write a checkpoint: %s", checkpoint.text);
}

int ledger_status_register(struct ledger_section *section, struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "ledger", section, describe_ledger, check_ledger });
}
