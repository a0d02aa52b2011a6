/*
 * The profiles of a policy: finds them, and reports their problems. A set of profiles is immutable
 * and reference-counted: one thread builds it, then any thread may read it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/address_readings.h"
#include "lib/match/domain.h"
#include "lib/rules/profile_private.h"

struct profiles *profiles_ref(struct profiles *profiles)
{
	if (profiles != NULL)
		__atomic_add_fetch(&profiles->refs, 1, __ATOMIC_RELAXED);
	return profiles;
}

void profiles_unref(struct profiles **profiles)
{
	struct profiles *gone = *profiles;
	size_t i;

	*profiles = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (i = 0; i < gone->row_count; i++)
		profile_unref(gone->rows[i]);
	free(gone->rows);
	free(gone->at);
	strmap_free(&gone->by_id);
	strmap_free(&gone->by_name);
	strmap_free(&gone->bad);
	problems_free(&gone->nameless);
	free(gone);
}

/* ---- looking up ---------------------------------------------------------------- */

size_t profiles_count(const struct profiles *profiles)
{
	return profiles->count;
}

const struct profile *profiles_at(const struct profiles *profiles, size_t i)
{
	return profiles->at[i];
}

static const struct profile *find_profile(const struct profiles *profiles, const struct strmap *map,
	const char *key)
{
	uint32_t i;

	return strmap_find(map, key, strlen(key), &i) ? profiles->at[i] : NULL;
}

const struct profile *profiles_by_id(const struct profiles *profiles, const char *id)
{
	return find_profile(profiles, profiles->by_id, id);
}

const struct profile *profiles_by_name(const struct profiles *profiles, const char *name)
{
	return find_profile(profiles, profiles->by_name, name);
}

bool profiles_is_bad(const struct profiles *profiles, const char *id)
{
	return strmap_find(profiles->bad, id, strlen(id), NULL);
}

int profiles_each_bad(const struct profiles *profiles,
	int (*each)(void *context, const char *id, size_t len), void *context)
{
	const char *id = NULL;
	size_t len;
	int ret = 0;

	while (ret == 0 && (id = strmap_next(profiles->bad, id, &len)) != NULL)
		if (!strmap_find(profiles->by_id, id, len, NULL))
			ret = each(context, id, len);
	return ret;
}

bool profiles_any_maxsize(const struct profiles *profiles)
{
	return profiles->any_maxsize;
}

bool profiles_same(const struct profiles *a, const struct profiles *b)
{
	bool is_same = a->row_count == b->row_count;

	for (size_t i = 0; is_same && i < a->row_count; i++)
		is_same = a->rows[i] == b->rows[i] || profile_row_equal(a->rows[i], b->rows[i]);
	return is_same;
}

const char *profile_id(const struct profile *profile)
{
	return profile->id;
}

const char *profile_name(const struct profile *profile)
{
	return profile->name;
}

bool profile_is_open(const struct profile *profile)
{
	return profile->open;
}

uint64_t profile_maxsize(const struct profile *profile)
{
	return profile->maxsize;
}

const struct limits *profile_limits(const struct profile *profile)
{
	return &profile->limits;
}

bool profile_host_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r)
{
	const char *domain = address_domain(rcpt);

	return rcpt->has_domain &&
		(strmap_find(profile->hosts, domain, strlen(domain), index_r) ||
			(profile->has_subtrees &&
				domain_walk(profile->hosts, DOMAIN_DOTTED, domain, index_r)));
}

/* Find the recipient in its other form, with quotes or without. Not inlined, so that only addresses
 * that have one need this much stack. */
__attribute__((noinline)) static bool find_other_form(const struct profile *profile,
	const struct mail_address *rcpt, uint32_t *index_r)
{
	struct address_key key;

	return address_key(rcpt, "", 1, &key) &&
		strmap_find(profile->rcpts, key.text, key.len, index_r);
}

bool profile_rcpt_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r)
{
	return strmap_find(profile->rcpts, rcpt->canon, rcpt->canon_len, index_r) ||
		(!rcpt->is_simple && find_other_form(profile, rcpt, index_r));
}

struct regexlist *profile_rcpt_re(const struct profile *profile)
{
	return profile->regexes->list;
}

struct cell profile_cell(const struct profile *profile, enum profile_column column)
{
	return profile->cells[column];
}

/* ---- problems -------------------------------------------------------------------- */

/* Return whether a row has the name of one before it. */
static bool is_twin(const struct profiles *profiles, const struct profile *row)
{
	return !row->is_bad && profiles_by_name(profiles, row->name) != row;
}

/* Add the texts of a level to a sum. Returns whether they are all, or enough. */
static bool has_texts(const struct problems *problems, enum problem_level level, size_t *sum)
{
	const size_t kept = problems_level_kept(problems, level);

	*sum += kept;
	return kept == problems_level_count(problems, level) || *sum >= PROBLEMS_OF_SOURCE;
}

/* Return whether the first PROBLEMS_OF_SOURCE problems of a level have texts. */
static bool has_first_texts(const struct profiles *profiles, enum problem_level level)
{
	const struct profile *row;
	size_t sum = 0;
	bool has = has_texts(profiles->nameless, level, &sum);

	for (size_t i = 0; has && sum < PROBLEMS_OF_SOURCE && i < profiles->row_count; i++) {
		row = profiles->rows[i];
		sum += level == PROBLEM && is_twin(profiles, row);
		has = has_texts(row->problems, level, &sum) &&
			(row->regexes == NULL || has_texts(row->regexes->problems, level, &sum));
	}
	return has;
}

bool profiles_can_change(const struct profiles *profiles)
{
	return has_first_texts(profiles, PROBLEM) && has_first_texts(profiles, PROBLEM_NOTE);
}

void profiles_report(const struct profiles *profiles, struct problems *problems)
{
	const struct profile *row;
	char where[120];

	problems_add_all(problems, NULL, profiles->nameless);
	for (size_t i = 0; i < profiles->row_count; i++) {
		row = profiles->rows[i];
		(void)text_format(where, sizeof(where), "profiles id %s (%s)", row->id, row->name);
		if (is_twin(profiles, row))
			problems_add(problems,
				"%s: another profile has that name; this one is found only by its id",
				where);
		problems_add_all(problems, where, row->problems);
		if (row->regexes != NULL)
			problems_add_all(problems, where, row->regexes->problems);
	}
}
