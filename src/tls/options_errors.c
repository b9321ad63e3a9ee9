/* SPDX-License-Identifier: MIT */
/*
 * Names of X509_V_ERR codes for "ca-ignore-err" and "crt-ignore-err".
 */
#include <errno.h>
#include <openssl/x509_vfy.h>

#include "weir/tls/crt_list.h"

#define NAME(code)                                                                                 \
	{                                                                                          \
#code, X509_V_ERR_##code                                                           \
	}

static const struct {
	const char *name; /* behind X509_V_ERR_ */
	unsigned code;
} names[] = {
	NAME(UNSPECIFIED),
	NAME(UNABLE_TO_GET_ISSUER_CERT),
	NAME(UNABLE_TO_GET_CRL),
	NAME(UNABLE_TO_DECRYPT_CERT_SIGNATURE),
	NAME(UNABLE_TO_DECRYPT_CRL_SIGNATURE),
	NAME(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY),
	NAME(CERT_SIGNATURE_FAILURE),
	NAME(CRL_SIGNATURE_FAILURE),
	NAME(CERT_NOT_YET_VALID),
	NAME(CERT_HAS_EXPIRED),
	NAME(CRL_NOT_YET_VALID),
	NAME(CRL_HAS_EXPIRED),
	NAME(ERROR_IN_CERT_NOT_BEFORE_FIELD),
	NAME(ERROR_IN_CERT_NOT_AFTER_FIELD),
	NAME(ERROR_IN_CRL_LAST_UPDATE_FIELD),
	NAME(ERROR_IN_CRL_NEXT_UPDATE_FIELD),
	NAME(OUT_OF_MEM),
	NAME(DEPTH_ZERO_SELF_SIGNED_CERT),
	NAME(SELF_SIGNED_CERT_IN_CHAIN),
	NAME(UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
	NAME(UNABLE_TO_VERIFY_LEAF_SIGNATURE),
	NAME(CERT_CHAIN_TOO_LONG),
	NAME(CERT_REVOKED),
	NAME(NO_ISSUER_PUBLIC_KEY),
	NAME(PATH_LENGTH_EXCEEDED),
	NAME(INVALID_PURPOSE),
	NAME(CERT_UNTRUSTED),
	NAME(CERT_REJECTED),
	NAME(SUBJECT_ISSUER_MISMATCH),
	NAME(AKID_SKID_MISMATCH),
	NAME(AKID_ISSUER_SERIAL_MISMATCH),
	NAME(KEYUSAGE_NO_CERTSIGN),
	NAME(UNABLE_TO_GET_CRL_ISSUER),
	NAME(UNHANDLED_CRITICAL_EXTENSION),
	NAME(KEYUSAGE_NO_CRL_SIGN),
	NAME(UNHANDLED_CRITICAL_CRL_EXTENSION),
	NAME(INVALID_NON_CA),
	NAME(PROXY_PATH_LENGTH_EXCEEDED),
	NAME(KEYUSAGE_NO_DIGITAL_SIGNATURE),
	NAME(PROXY_CERTIFICATES_NOT_ALLOWED),
	NAME(INVALID_EXTENSION),
	NAME(INVALID_POLICY_EXTENSION),
	NAME(NO_EXPLICIT_POLICY),
	NAME(DIFFERENT_CRL_SCOPE),
	NAME(UNSUPPORTED_EXTENSION_FEATURE),
	NAME(UNNESTED_RESOURCE),
	NAME(PERMITTED_VIOLATION),
	NAME(EXCLUDED_VIOLATION),
	NAME(SUBTREE_MINMAX),
	NAME(APPLICATION_VERIFICATION),
	NAME(UNSUPPORTED_CONSTRAINT_TYPE),
	NAME(UNSUPPORTED_CONSTRAINT_SYNTAX),
	NAME(UNSUPPORTED_NAME_SYNTAX),
	NAME(CRL_PATH_VALIDATION_ERROR),
	NAME(PATH_LOOP),
	NAME(SUITE_B_INVALID_VERSION),
	NAME(SUITE_B_INVALID_ALGORITHM),
	NAME(SUITE_B_INVALID_CURVE),
	NAME(SUITE_B_INVALID_SIGNATURE_ALGORITHM),
	NAME(SUITE_B_LOS_NOT_ALLOWED),
	NAME(SUITE_B_CANNOT_SIGN_P_384_WITH_P_256),
	NAME(HOSTNAME_MISMATCH),
	NAME(EMAIL_MISMATCH),
	NAME(IP_ADDRESS_MISMATCH),
	NAME(DANE_NO_MATCH),
	NAME(EE_KEY_TOO_SMALL),
	NAME(CA_KEY_TOO_SMALL),
	NAME(CA_MD_TOO_WEAK),
	NAME(INVALID_CALL),
	NAME(STORE_LOOKUP),
	NAME(NO_VALID_SCTS),
	NAME(PROXY_SUBJECT_NAME_VIOLATION),
	NAME(OCSP_VERIFY_NEEDED),
	NAME(OCSP_VERIFY_FAILED),
	NAME(OCSP_CERT_UNKNOWN),
};

#undef NAME

static int parse_code(struct slice word, unsigned *ret)
{
	uint64_t n;
	if (slice_to_u64(word, TLS_X509_ERR_MAX - 1, &n) == 0 && n > 0) {
		*ret = (unsigned)n;
		return 0;
	}
	struct slice prefix = SLICE("X509_V_ERR_");
	if (!slice_has_prefix(word, prefix))
		return -EINVAL;
	word = slice_sub(word, prefix.len, word.len);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_eq(word, slice_str(names[i].name))) {
			*ret = names[i].code;
			return 0;
		}
	return -EINVAL;
}

int tls_ignore_parse(uint64_t *set, const char *text, char *err, size_t err_size)
{
	if (strcmp(text, "all") == 0) {
		for (unsigned i = 0; i < TLS_X509_ERR_MAX / 64; i++)
			set[i] = UINT64_MAX;
		return 0;
	}
	struct slice rest = slice_str(text);
	while (rest.ptr) {
		struct slice word = slice_cut(&rest, ',');
		unsigned code;
		if (parse_code(word, &code) < 0) {
			snprintf(err, err_size,
			    "'%.*s' is not the number or name of an X509_V_ERR error",
			    SLICE_ARG(word));
			return -EINVAL;
		}
		set[code / 64] |= 1ull << (code % 64);
	}
	return 0;
}
