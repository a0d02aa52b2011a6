/*
 * Checks and makes password hashes with crypt(3), within bounds on the cost of a check. It has no
 * state and runs on any thread.
 */
#include "lib/auth/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

/* Bounds on the cost of one check: about a second and 64 MiB. They are the same on every machine,
 * so that a hash that works on one works on all. */
#define SHA_ROUNDS_MAX 1000000UL
#define SHA_ROUNDS_MIN 1000UL /* with fewer, crypt(3) fails */
#define SHA_SALT_MAX 16	      /* characters; crypt(3) never makes a hash with more */
#define BCRYPT_COST_MIN 4
#define BCRYPT_COST_USUAL 12 /* a quarter of a second; that of crypt(3), 5, takes 2 ms */
#define BCRYPT_COST_MAX 13
#define MEMORY_MAX (64UL << 20)

/* The hash that is checked for unknown users: sha512crypt at its usual cost. */
#define NOBODY_HASH                                                                               \
	"$6$nobodyatall.....$QqXvVzZQ6rQvY1m9wK2q3o8n7b6c5d4e3f2g1h0i9j8k7l6m5n4o3p2q1r0s9t8u7v6" \
	"w5x4y3z2A1B0C9D8E7F"

const char *const password_methods[] = { "yescrypt", "sha512", "sha256", "bcrypt", NULL };

static const char itoa64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int digit64(char c)
{
	const char *at = c == '\0' ? NULL : strchr(itoa64, c);

	return at != NULL ? (int)(at - itoa64) : -1;
}

/* Returns the hash after a {SCHEME} of crypt(3), or NULL when the scheme is another one. */
static const char *skip_scheme(const char *hash)
{
	static const char *const schemes[] = { "CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "BLF-CRYPT",
		"BCRYPT", "YESCRYPT", NULL };
	size_t i, len;

	if (hash[0] != '{')
		return hash;
	for (i = 0; schemes[i] != NULL; i++) {
		len = strlen(schemes[i]);
		if (strncasecmp(hash + 1, schemes[i], len) == 0 && hash[1 + len] == '}')
			return hash + len + 2;
	}
	return NULL;
}

/* Return the first character that is no digit of itoa64. strspn() takes much longer with so many
 * characters to accept, and a load of all users tests all hashes. */
static const char *skip_digits64(const char *text)
{
	static const bool digits[256] = { /* ./0-9, A-Z, a-z */
		['.' ... '9'] = true,
		['A' ... 'Z'] = true,
		['a' ... 'z'] = true
	};

	while (digits[(unsigned char)*text])
		text++;
	return text;
}

/* Check "SALT$DIGEST", whose digest must have this length. */
static int check_digest(const char *salt, size_t digest_len, struct errmsg *err)
{
	const char *digest = strchr(salt, '$');

	if (digest == NULL || strlen(digest + 1) != digest_len ||
		*skip_digits64(digest + 1) != '\0')
		return errmsg_set(err, "the hash is truncated or damaged");
	return 0;
}

/* Check the N of "rounds=N$" and set *salt_r to the text after it. crypt(3) accepts only its own
 * form of the number. */
static int check_rounds(const char *number, const char **salt_r, struct errmsg *err)
{
	char *end;
	unsigned long rounds = strtoul(number, &end, 10);

	if (number[0] < '1' || number[0] > '9' || *end != '$')
		return errmsg_set(err, "rounds= is not a number without a leading zero");
	if (rounds < SHA_ROUNDS_MIN)
		return errmsg_set(err, "rounds=%lu is less than %lu, the least that is possible",
			rounds, SHA_ROUNDS_MIN);
	if (rounds > SHA_ROUNDS_MAX)
		return errmsg_set(err, "rounds=%lu is more than %lu, the most that is allowed",
			rounds, SHA_ROUNDS_MAX);
	*salt_r = end + 1;
	return 0;
}

/* Check a hash of $5$ or $6$: rounds=N$, and the lengths of the salt and of the digest. */
static int check_sha(const char *hash, size_t digest_len, struct errmsg *err)
{
	const char *salt = hash + 3;

	if (strncmp(salt, "rounds=", 7) == 0 && check_rounds(salt + 7, &salt, err) < 0)
		return -1;
	if (strcspn(salt, "$") > SHA_SALT_MAX)
		return errmsg_set(err, "the salt is longer than %d characters", SHA_SALT_MAX);
	return check_digest(salt, digest_len, err);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Returns whether 53 characters are a salt of 22 and a digest of 31 as crypt(3) makes them: the
 * last character of each has bits that belong to no byte, and are 0. Some programs have set them,
 * but then the hash is never equal to the one that crypt(3) makes of the right password.
 */
static bool is_bcrypt_end(const char *text)
{
	return strlen(text) == 53 && *skip_digits64(text) == '\0' &&
		strchr(".Oeu", text[21]) != NULL && strchr(".CGKOSWaeimquy26", text[52]) != NULL;
}

static int check_bcrypt(const char *hash, struct errmsg *err)
{
	const char *cost = hash + 4;
	int number;

	if (!is_digit(cost[0]) || !is_digit(cost[1]) || cost[2] != '$' || !is_bcrypt_end(cost + 3))
		return errmsg_set(err, "the hash is truncated or damaged");
	number = (cost[0] - '0') * 10 + (cost[1] - '0');
	if (number < BCRYPT_COST_MIN)
		return errmsg_set(err,
			"the bcrypt cost of %d is less than %d, the least that is possible", number,
			BCRYPT_COST_MIN);
	if (number > BCRYPT_COST_MAX)
		return errmsg_set(err,
			"the bcrypt cost of %d is more than %d, the most that is allowed", number,
			BCRYPT_COST_MAX);
	return 0;
}

/* Returns whether a salt of $y$ or $gy$, before the next $, is digits that make whole bytes: four
 * of them are three bytes, the lowest bits first. */
static bool is_yescrypt_salt(const char *salt)
{
	const size_t len = (size_t)(skip_digits64(salt) - salt);
	const int last = len == 0 ? 0 : digit64(salt[len - 1]);

	return len <= 86 && salt[len] == '$' && len % 4 != 1 && (len % 4 != 2 || last < 4) &&
		(len % 4 != 3 || last < 16);
}

/* Check the parameters of $y$ and $gy$. At every usual cost, flavour, N and r have one digit each;
 * one of 48 or more begins a longer number. */
static int check_yescrypt(const char *params, struct errmsg *err)
{
	int n = params[0] == 'j' ? digit64(params[1]) : -1, r = n < 1 ? -1 : digit64(params[2]);

	if (r < 0 || r >= 48 || params[3] != '$')
		return errmsg_set(err,
			"the yescrypt parameters are not of the usual form (j, N, r)");
	if (n > 30 || 128UL * (unsigned long)(r + 1) << (n + 1) > MEMORY_MAX)
		return errmsg_set(err, "yescrypt would need more than %lu MiB", MEMORY_MAX >> 20);
	if (!is_yescrypt_salt(params + 4))
		return errmsg_set(err, "the hash is truncated or damaged");
	return check_digest(params + 4, 43, err);
}

/* Read a 30-bit number of five digits, the lowest first. Returns -1 when it is malformed. */
static long number64(const char *text)
{
	long value = 0;
	int i, digit;

	for (i = 0; i < 5; i++) {
		if ((digit = digit64(text[i])) < 0)
			return -1;
		value |= (long)digit << (6 * i);
	}
	return value;
}

/* Check the parameters of $7$: N (as a power of two), r and p. */
static int check_scrypt(const char *params, struct errmsg *err)
{
	int n = digit64(params[0]);
	long r = n < 0 ? -1 : number64(params + 1), p = r < 0 ? -1 : number64(params + 6);

	if (n < 2 || r <= 0 || p <= 0 || *skip_digits64(params + 11) != '$')
		return errmsg_set(err, "the hash is truncated or damaged");
	if (n > 20 || r > 256 || p > 4 || 128UL * (unsigned long)r << n > MEMORY_MAX)
		return errmsg_set(err, "scrypt would need more than %lu MiB, or p is above 4",
			MEMORY_MAX >> 20);
	return check_digest(params + 11, 43, err);
}

/* Check that crypt(3) supports the method and that it is strong enough. $5$ is accepted even where
 * the system calls it legacy, because users of pg-profile have such hashes. */
static int check_method(const char *crypted, struct errmsg *err)
{
	int verdict = crypt_checksalt(crypted);

	if (verdict == CRYPT_SALT_OK ||
		(verdict == CRYPT_SALT_METHOD_LEGACY && strncmp(crypted, "$5$", 3) == 0))
		return 0;
	if (verdict == CRYPT_SALT_METHOD_LEGACY || verdict == CRYPT_SALT_TOO_CHEAP)
		return errmsg_set(err, "the method is too weak; use $6$, $5$, $y$ or $2b$");
	return errmsg_set(err, "not a crypt(3) hash that this system supports");
}

int password_usable(const char *hash, struct errmsg *err)
{
	const char *crypted = skip_scheme(hash);

	if (hash[0] == '\0')
		return errmsg_set(err, "empty");
	if (crypted == NULL)
		return errmsg_set(err, "the {SCHEME} is not one of crypt(3)");
	if (crypted[0] != '$')
		return errmsg_set(err, "not a crypt(3) hash ($6$, $5$, $y$, $2b$)");
	if (check_method(crypted, err) < 0)
		return -1;
	if (strncmp(crypted, "$6$", 3) == 0)
		return check_sha(crypted, 86, err);
	if (strncmp(crypted, "$5$", 3) == 0)
		return check_sha(crypted, 43, err);
	if (strncmp(crypted, "$2", 2) == 0)
		return check_bcrypt(crypted, err);
	if (strncmp(crypted, "$y$", 3) == 0)
		return check_yescrypt(crypted + 3, err);
	if (strncmp(crypted, "$gy$", 4) == 0)
		return check_yescrypt(crypted + 4, err);
	if (strncmp(crypted, "$7$", 3) == 0)
		return check_scrypt(crypted + 3, err);
	return errmsg_set(err, "the method is not supported; use $6$, $5$, $y$ or $2b$");
}

int password_usable_or_lock(const char *hash, struct errmsg *err)
{
	const char *crypted = skip_scheme(hash);

	if (crypted != NULL && (crypted[0] == '!' || crypted[0] == '*'))
		return 0;
	return password_usable(hash, err);
}

bool password_is_long(const char *password)
{
	return strnlen(password, PASSWORD_MAX + 1) > PASSWORD_MAX;
}

/* Hash the password as `want` was hashed, at the same cost, and compare. Returns PASSWORD_RIGHT
 * only if may_be_right. */
static enum password_result hash_and_compare(const char *want, bool may_be_right,
	const char *password)
{
	enum password_result result = PASSWORD_WRONG;
	struct crypt_data *work;
	const char *made;

	if (password_is_long(password))
		return PASSWORD_WRONG;
	if ((work = calloc(1, sizeof(*work))) == NULL)
		return PASSWORD_FAILED;
	made = crypt_r(password, want, work);
	if (made == NULL || made[0] == '*') {
		/* Either crypt(3) has no memory, which its error code does not tell, or it refuses
		 * a hash that password_usable() should have refused. The check then takes no
		 * time, which would distinguish the row from others. */
		(void)crypt_r(password, NOBODY_HASH, work);
		result = PASSWORD_FAILED;
	} else if (may_be_right && strlen(made) == strlen(want) &&
		CRYPTO_memcmp(made, want, strlen(want)) == 0)
		result = PASSWORD_RIGHT;
	OPENSSL_cleanse(work, sizeof(*work));
	free(work);
	return result;
}

enum password_result password_check(const char *hash, const char *password)
{
	bool usable = hash != NULL && password_usable(hash, NULL) == 0;

	return hash_and_compare(usable ? skip_scheme(hash) : NOBODY_HASH, usable, password);
}

enum password_result password_check_nobody(const char *model, const char *password)
{
	bool usable = model != NULL && password_usable(model, NULL) == 0;

	return hash_and_compare(usable ? skip_scheme(model) : NOBODY_HASH, false, password);
}

/* Check the cost of a salt before hours are spent on it, with dots as the digest of its hash. */
static int check_cost(const char *salt, const char *separator, size_t digest_len,
	struct errmsg *err)
{
	char hash[CRYPT_OUTPUT_SIZE] = "";
	size_t len = strlen(salt) + strlen(separator);

	(void)text_format(hash, sizeof(hash), "%s%s", salt, separator);
	memset(hash + len, '.', digest_len);
	return password_usable(hash, err);
}

int password_hash(const char *password, const char *method, unsigned long rounds, char hash_r[384],
	struct errmsg *err)
{
	static const struct {
		const char *prefix, *separator; /* before the salt, and before the digest */
		size_t digest_len;
		unsigned long usual; /* the cost; 0: that of crypt(3) */
	} forms[] = { { "$y$", "$", 43, 0 }, { "$6$", "$", 86, 0 }, { "$5$", "$", 43, 0 },
		{ "$2b$", "", 31, BCRYPT_COST_USUAL } };
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *work;
	const char *made;
	int ret = -1;
	size_t i;

	for (i = 0; password_methods[i] != NULL && strcmp(password_methods[i], method) != 0; i++)
		;
	if (password_methods[i] == NULL)
		return errmsg_set(err,
			"unknown method \"%s\"; use yescrypt, sha512, sha256 or bcrypt", method);
	if (password_is_long(password))
		return errmsg_set(err, "the password is longer than %d bytes", PASSWORD_MAX);
	if (rounds == 0)
		rounds = forms[i].usual;
	if (crypt_gensalt_rn(forms[i].prefix, rounds, NULL, 0, salt, sizeof(salt)) == NULL)
		return errmsg_set(err, "%lu is not a cost that %s accepts", rounds, method);
	if (check_cost(salt, forms[i].separator, forms[i].digest_len, err) < 0)
		return -1;
	if ((work = calloc(1, sizeof(*work))) == NULL)
		return errmsg_set(err, "out of memory");
	made = crypt_r(password, salt, work);
	if (made == NULL || made[0] == '*' || strlen(made) >= 384)
		(void)errmsg_set(err, "the password cannot be hashed");
	else if (password_usable(made, err) == 0)
		ret = 0;
	if (ret == 0)
		memcpy(hash_r, made, strlen(made) + 1);
	OPENSSL_cleanse(work, sizeof(*work));
	free(work);
	return ret;
}
