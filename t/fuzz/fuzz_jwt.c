/*
 * Fuzzes tokens and files of keys. Whatever the input is, an accepted token yields an address
 * without white space and angle brackets.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/auth/jwt.h"
#include "t/fuzz/fuzz.h"
#include "t/unit/lib/tokens.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static struct jwt_keys *keys;

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct token_pair *pair = token_pair_new("EC");
	char *pem = token_pair_pem(pair);

	(void)argc;
	(void)argv;
	keys = jwt_keys_new();
	must(jwt_keys_add_secret(keys, SECRET, strlen(SECRET), NULL) == 0);
	must(jwt_keys_add_text(keys, pem, strlen(pem), NULL, NULL) == 0);
	free(pem);
	token_pair_free(&pair);
	return 0;
}

static void check(const char *token, size_t len)
{
	const struct jwt_rules rules = {
		.keys = keys,
		.issuer = "",
		.audience = "",
		.mail_claim = "mail",
	};
	struct jwt_bearer bearer;
	struct errmsg err;

	if (jwt_check(&rules, token, len, 1700000000, &bearer, &err) < 0)
		return;
	must(strchr(bearer.mail, '@') != NULL && strpbrk(bearer.mail, " \r\n\t<>") == NULL);
}

/* Try the input as a token, as correctly signed claims, as a correctly signed header, and as a file
 * of keys. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct jwt_keys *others = jwt_keys_new();
	char *text = malloc(size + 1), *token;

	memcpy(text, bytes, size);
	text[size] = '\0';
	check(text, size);
	(void)jwt_keys_add_text(others, text, size, NULL, NULL);
	jwt_keys_unref(&others);
	if (strlen(text) == size) {
		token = token_sign("{\"alg\":\"HS256\"}", text, JWT_HS256, NULL, SECRET,
			strlen(SECRET));
		check(token, strlen(token));
		free(token);
		token = token_sign(text, "{\"exp\":1700000300,\"mail\":\"a@b.example\"}", JWT_HS256,
			NULL, SECRET, strlen(SECRET));
		check(token, strlen(token));
		free(token);
	}
	free(text);
	return 0;
}
