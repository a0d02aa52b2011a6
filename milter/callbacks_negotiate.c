#include "milter/callbacks_private.h"

void callbacks_agree(struct needs *needs, unsigned long actions, unsigned long steps,
	unsigned long *actions_r, unsigned long *steps_r)
{
	unsigned long want = SMFIP_NOUNKNOWN | SMFIP_NR_UNKN | SMFIP_NR_HDR;
	const unsigned long for_results = SMFIF_ADDHDRS | SMFIF_CHGHDRS;

	needs->no_results = (actions & for_results) != for_results;
	needs->results = needs->results && !needs->no_results;
	*actions_r = needs->results ? for_results : SMFIF_NONE;
	*actions_r |= actions & SMFIF_SETSYMLIST;

	if (!needs->answer_connect)
		want |= SMFIP_NR_CONN;
	if (!needs->answer_helo)
		want |= SMFIP_NR_HELO;
	if (!needs->answer_rcpt)
		want |= SMFIP_NR_RCPT;
	if (!needs->answer_data)
		want |= SMFIP_NODATA;
	if (!needs->headers)
		want |= SMFIP_NOHDRS;
	/*
	 * With no body to come, the header is judged at the end of the message: so all fields and
	 * the end go in one write, where the end of the header would cost a round trip of its own.
	 */
	want |= needs->body ? SMFIP_SKIP : SMFIP_NOBODY | SMFIP_NOEOH;
	*steps_r = want & steps;
}

void callbacks_ask_macros(SMFICTX *ctx, const struct needs *needs)
{
	static char connect[] = "v {daemon_name} {client_resolve}";
	static char mail[] = "i {auth_authen}";
	static char queue_id[] = "i";
	static char nothing[] = "{postern_none}"; /* a list can't be empty */

	(void)smfi_setsymlist(ctx, SMFIM_CONNECT, connect);
	(void)smfi_setsymlist(ctx, SMFIM_HELO, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_ENVFROM, mail);
	(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT, queue_id);
	(void)smfi_setsymlist(ctx, SMFIM_DATA, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOH, needs->body ? queue_id : nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOM, queue_id);
}
