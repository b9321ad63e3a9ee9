/* SPDX-License-Identifier: MIT */
/* Keys and tokens made once with another implementation (pyca/cryptography), for conv_jwt_test.c. */
#ifndef WEIR_TESTS_UNIT_RULE_JWT_VECTORS_H
#define WEIR_TESTS_UNIT_RULE_JWT_VECTORS_H

/* clang-format off */
static const struct { const char *name, *public_pem, *private_pem; } jwt_keys[] = {
	{ "RSA",
	  "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzBGOgcrK"
	  "/KD0a5sNsAXE\nhvAXMmAxJ34lh7ROYNedSqk3n5dMLSGUt7yuj/QPL19ZjAJ2e2wFYsQEyBfFpaT0\n"
	  "SS3ASuPsXXFcRY2Xq3nC9zV2CTJHWf7wt/eZDpaHrSeAn2di4TI4QjjYuX1UYIDO\npPQYM+i1m/k0DR"
	  "B6XC9W215cw/wI8lXO9ec2m8TUAWEmUoQTNOpCFFIFvGFav8IM\ni3bO3UYk3rBSDa0GSo8YQ/R2OWWB"
	  "KgNJZthuSmgu60KX+RLpQeb5XaTuchKYNY+O\nbYfFnPr2r6xDGXUehygS94fxozLyOttxvc9B7y1bre"
	  "kXUbRGFJGCCHYbIefKXmLR\nfQIDAQAB\n-----END PUBLIC KEY-----\n",
	  "-----BEGIN PRIVATE KEY-----\nMIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQD"
	  "MEY6Bysr8oPRr\nmw2wBcSG8BcyYDEnfiWHtE5g151KqTefl0wtIZS3vK6P9A8vX1mMAnZ7bAVixATI"
	  "\nF8WlpPRJLcBK4+xdcVxFjZerecL3NXYJMkdZ/vC395kOloetJ4CfZ2LhMjhCONi5\nfVRggM6k9Bgz"
	  "6LWb+TQNEHpcL1bbXlzD/AjyVc715zabxNQBYSZShBM06kIUUgW8\nYVq/wgyLds7dRiTesFINrQZKjx"
	  "hD9HY5ZYEqA0lm2G5KaC7rQpf5EulB5vldpO5y\nEpg1j45th8Wc+vavrEMZdR6HKBL3h/GjMvI623G9"
	  "z0HvLVut6RdRtEYUkYIIdhsh\n58peYtF9AgMBAAECgf8jEuFrbW91/DQGSqAPoO4mQx25is7n+sZ4jI"
	  "TsICLosizd\nQSPWne7xpXxbQZdajQjXB5VVoTtLvmUT/wH5dmCGM1bZiFMXvGQfkDaBQmxAEPA4\npG"
	  "ufDDJTbDriRv0Kxb9Vpm9YRUlmGF8ngmL+MyVRNKL0SQrtw+cuV6awMXK8QS0Z\nl/Gw4tPan3y4fw2T"
	  "6X9qHqYSCYUUZPIKz9X5ZwVtEg58nIscWiMdeg/HuDR1+HP3\nWKMa2p/UBtg9bdZ3wmewyatzZZSlvB"
	  "JJIbojEZ3RodEkfVsk9r5rYI/fQsMcdV6Z\nnldQ1vIofaytwLlJqBfPLfsn9yIp7dxYGqK67oECgYEA"
	  "6dudMiR1B2Zih51wAhA4\nO2qdC/vLdEaao9Xh65qRXjwZpsLGjSr4p19417/2R+GnOdToD1fbrT5UY0"
	  "Z0Tlj3\n7L6kK1viKtyzUcTdWH4U2BPGMCMwPWHdHx0fesOii2MBUR0v5OPelxhAPN0jYUfm\nhiZS9j"
	  "ySGprg2dW27uuoCaUCgYEA32PkZpqAq/txPnLKgA50HV597tgJ6jbxav8u\nsGPNzGYaWTmFPDokxQ2K"
	  "bQveuA/Tjjcc1+xjXgHRlRmh+HG59D8hAlQtWeIEs9TA\nz5uTa14gyyaNpCkJ+QdESwpe7iSyYC7PB+"
	  "dkDwXtFYm7//sRznVuKvs35q04BYaT\n4jsQsPkCgYEArDUweLAoDZ7zh3ID/UD8Z6SGqUBt/d3QGj1x"
	  "9BEKYx5WtVpQ47t1\nB6tiTV3qedxNTGTfzgygk96GPeSv2NHjH87zDYrH7VBALEKPzI5rwwIsu13uNA"
	  "VQ\n04yalchidcoeOiEIF8FFNHaDN06Qsx5DPx4RkYng/P53/XFHGIEoaJECgYEAmdPG\nruTLoCJIa/"
	  "FOAnpxeNvdqj/4K+FjwwMv2mUPjSXuFOzoE34SXeMiJE8dMfAsBO1s\nnj94eX6VHLAG+fcOTuO9zkW6"
	  "6P8br93cW9nM3Q13VY0Z0iY0aNiZLXdZwXFhp5v0\nEoRDQZkaFk+/Ntlj/KCemVheuSkkv6FZalqz9r"
	  "kCgYB2MQQ4XhX4JxJzMDeirbbq\n3770oCyXIjYpJ3pTUHtTe+9HL6bqFinrbq/mboonQKgEmrLgR6Vl"
	  "Mgye/5xEmbdE\nwQmJWK2YVLcrSNZ1INKwMZcxLBfzkQ5VhTCYn4t16zsRJ8FgKNidXwYa4RPkCsCw\n"
	  "vGwgHmj2Q/uO52XRSwtnRQ==\n-----END PRIVATE KEY-----\n" },
	{ "EC256",
	  "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9qpqrMM83lPKF4v0"
	  "fPUYygEG9VYy\nJbkx/5/7B2vrs28EOw1KT7KUqY3wViX6hbJlGms/Qohp82EK6B7vVn+OZw==\n----"
	  "-END PUBLIC KEY-----\n",
	  "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjNO"
	  "FNVPczWIJ0ThK\nQWlYfeX5wjFhyapISiy9/QlmZRWhRANCAAT2qmqswzzeU8oXi/R89RjKAQb1VjIl"
	  "\nuTH/n/sHa+uzbwQ7DUpPspSpjfBWJfqFsmUaaz9CiGnzYQroHu9Wf45n\n-----END PRIVATE KEY"
	  "-----\n" },
	{ "EC384",
	  "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAECqGd2M5JHt8wP9a5QdqL"
	  "M1ikcxzx8Lkr\n1aajz9antQDscV2xy6Hxw5zf2OWtZq9pDw+m7JLL5UUWI8j1dyscMPnuTxVtBKAz\n"
	  "lAFHUCKfmTlfLZll8WT2ci5X0wJkZeEF\n-----END PUBLIC KEY-----\n",
	  "-----BEGIN PRIVATE KEY-----\nMIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAV/2B"
	  "J7TRoZeMcqvlG\nqODqNo53fzTP8UW3xX82M7Qz6a6OvYZKZ01Ez6F/S1i7JYOhZANiAAQKoZ3Yzkke"
	  "\n3zA/1rlB2oszWKRzHPHwuSvVpqPP1qe1AOxxXbHLofHDnN/Y5a1mr2kPD6bsksvl\nRRYjyPV3Kxww"
	  "+e5PFW0EoDOUAUdQIp+ZOV8tmWXxZPZyLlfTAmRl4QU=\n-----END PRIVATE KEY-----\n" },
	{ "EC512",
	  "-----BEGIN PUBLIC KEY-----\nMIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBSIWHFMjvBHS6+XZY"
	  "+Mbdaq1kV0dG\nBe067Bw8WB3nx9qqDDRX/G7BgAZtmsfRh0eUp3erYMQE8ux1zhEac9u+dAoAIx9q\n"
	  "+RUKTPcv1vE4t0zExYlG0zmmTxFP6bKss+uSIR/sutI/5risFKKMUkgDkFY86mI9\ndE6PTW3n/Al47b"
	  "ARD8E=\n-----END PUBLIC KEY-----\n",
	  "-----BEGIN PRIVATE KEY-----\nMIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAng+"
	  "RgvDhjK5si3zZ\nQQcCgzqctMURbTiTCmINVMNgdlhHXzHaZBDAzbsLYfe0CN2PpJZDcSVYymjL0ivN"
	  "\nbH/9LIyhgYkDgYYABAFIhYcUyO8EdLr5dlj4xt1qrWRXR0YF7TrsHDxYHefH2qoM\nNFf8bsGABm2a"
	  "x9GHR5Snd6tgxATy7HXOERpz2750CgAjH2r5FQpM9y/W8Ti3TMTF\niUbTOaZPEU/psqyz65IhH+y60j"
	  "/muKwUooxSSAOQVjzqYj10To9Nbef8CXjtsBEP\nwQ==\n-----END PRIVATE KEY-----\n" },
};
static const char jwt_rsa_pkcs1[] =
	  "-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEAzBGOgcrK/KD0a5sNsAXEhvAXMmAxJ34lh7RO"
	  "YNedSqk3n5dMLSGU\nt7yuj/QPL19ZjAJ2e2wFYsQEyBfFpaT0SS3ASuPsXXFcRY2Xq3nC9zV2CTJHWf"
	  "7w\nt/eZDpaHrSeAn2di4TI4QjjYuX1UYIDOpPQYM+i1m/k0DRB6XC9W215cw/wI8lXO\n9ec2m8TUAW"
	  "EmUoQTNOpCFFIFvGFav8IMi3bO3UYk3rBSDa0GSo8YQ/R2OWWBKgNJ\nZthuSmgu60KX+RLpQeb5XaTu"
	  "chKYNY+ObYfFnPr2r6xDGXUehygS94fxozLyOttx\nvc9B7y1brekXUbRGFJGCCHYbIefKXmLRfQIDAQ"
	  "AB\n-----END RSA PUBLIC KEY-----\n";
static const char jwt_rsa_cert[] =
	  "-----BEGIN CERTIFICATE-----\nMIICmTCCAYGgAwIBAgIBATANBgkqhkiG9w0BAQsFADAQMQ4wDAY"
	  "DVQQDDAV0b2tl\nbjAeFw0yMDAxMDEwMDAwMDBaFw00OTAxMDEwMDAwMDBaMBAxDjAMBgNVBAMMBXRv"
	  "\na2VuMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzBGOgcrK/KD0a5sN\nsAXEhvAXMmAx"
	  "J34lh7ROYNedSqk3n5dMLSGUt7yuj/QPL19ZjAJ2e2wFYsQEyBfF\npaT0SS3ASuPsXXFcRY2Xq3nC9z"
	  "V2CTJHWf7wt/eZDpaHrSeAn2di4TI4QjjYuX1U\nYIDOpPQYM+i1m/k0DRB6XC9W215cw/wI8lXO9ec2"
	  "m8TUAWEmUoQTNOpCFFIFvGFa\nv8IMi3bO3UYk3rBSDa0GSo8YQ/R2OWWBKgNJZthuSmgu60KX+RLpQe"
	  "b5XaTuchKY\nNY+ObYfFnPr2r6xDGXUehygS94fxozLyOttxvc9B7y1brekXUbRGFJGCCHYbIefK\nXm"
	  "LRfQIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQCrk0NhhOotqHowAVeoEq5Mjvjv\njmMklVO+GmZ7hWl2"
	  "MySP1iGOj5c8G4tddvsuIsn61oWekCox6yAJzbTTjbgpYDf5\nsEXoiZ23hhW+ZPxu5IXKEL2z6pmwED"
	  "RUiCj9rgNNw0OC3W7vK3IDL8ODMJC7ZO6W\ndwYTnkWzPNGXX4x1N8ipp1XobuYH/FNQy3f9G9DLh73G"
	  "3PnbfVLNkJ5XouSE9uVC\nnb6TFzRl+uX4xNFYkSdQMXcmGF9ccYOKjP8ZaCc2YfoCTixHnnU9a+5bLA"
	  "jpbmou\n5fcAVhQrQELziYWA1b7J4WNrCodB+krAGdxDDqRWRsogV/s9TvLseIfi+8Om\n-----END C"
	  "ERTIFICATE-----\n";

static const struct { const char *alg, *key, *token; } jws_vectors[] = {
	{ "HS256", "secret",
	  "eyJhbGciOiAiSFMyNTYifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.1hrMV6J0vEI3TAJesSJYK6cDb"
	  "aKlfrddV4Rqf3h9D6g" },
	{ "RS256", "RSA",
	  "eyJhbGciOiAiUlMyNTYifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.lWvn1S_LyS97HJ3tlLLnxI9W3"
	  "vH00Bn-BD__to8OHrCPH5wmDdf7p9YdGpLD30PT-rYHnsCZX1BSdNsbg3-FInPmaoXiNGwaSXnVimWRq"
	  "TdmWJpYaIeEpJwOvmkYavnw-HZKjvfc-zkKObCygb-9xfuGZRcnTZbrwOO2uaMbqKCjOiRFtvGuaZ5yY"
	  "CHJpNI6BUMs47IuwELxQkCQJAT2wih_otUN99KW60k7p4fssy_8Iltr3jY4zdJV_7zn6ot1aknNGx0dp"
	  "5jrO-gdiVHZyBn2wj_qx_L6P2ZciSup2YSFA9LfGHp5X2giHO-27Dm8K5lr9jwcjmKMvw6CUt1lzA" },
	{ "PS256", "RSA",
	  "eyJhbGciOiAiUFMyNTYifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.cs8aTF3CVqNpzpTGK9ZMdRifK"
	  "cZOuGwGm5LwlkBzHnWmMIObS6lcMhzrmxPHmWZLr6hKU6Jlj4NUiuPTbG2QeE6-xsVmuTh679EgjE6_z"
	  "ERnRf-jsIyYzqWXt0mFBcPD-b2pZFFEW_anlBF7PqbD1zwX4Nc8emDwfUlD9-dWNlhRWBIk8syu7oaUG"
	  "xapz-l1IxvuKEAmGAFsF_90ulmsMX_i2cwTTS7LNICmgeviJzxgZfES_QSZYpJXRwz2dZq8nnKk4kMw4"
	  "BqYdqQkICr5-xdg2LE9wBTIFFYsIoUwHIrtwYOrdBf8MGjCle-6kqri0GWErL251Xfr6MM7hed13Q" },
	{ "ES256", "EC256",
	  "eyJhbGciOiAiRVMyNTYifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.Bt7Q-oO7A-OSo6Ej20nZoZ8AN"
	  "Af4ErXv1vU9QG03cEKYLDHDvLE4HHrEmdSmVpETvmX7B_KxPAmMuHG_e9vZkA" },
	{ "HS384", "secret",
	  "eyJhbGciOiAiSFMzODQifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.QqpmhzxQ_YfR4OrCBotVDVq-r"
	  "3uwmdeKvRiLd3HgDZpiwJg8i6PamMgQsk4vykrE" },
	{ "RS384", "RSA",
	  "eyJhbGciOiAiUlMzODQifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.w_X9-9kUbR-L8IlgFGZgAiEzD"
	  "Pz3ZU6gwRSDP5HeI7dHsG2sK-CZ5iCLRNGc6YJE3nI71qxgDIOWHYdDQPj-WpGf6NTSN7-TK-BLnHcGI"
	  "d2HM0c-LzXyldJpFxgenHakUTgsWaSqv-1AbHGiqlssFXo-PP1BAm49hdJM_qJmbgLicFL-i_0klOGAo"
	  "vRNZn1Ye4lH8niEeWHaP3EYrYJ-fx3Mk7WiH44TU35zoOkBavupGcZW_HU1LaSc41Pnm-Jg4zoehIpyJ"
	  "4Alxulvy250LsYhPuPn2sSAjesvgX2t3ZbXgaHUrNZ-FOsvvHCDwDIrGTCexIuaCZ3bH-nnLE41mw" },
	{ "PS384", "RSA",
	  "eyJhbGciOiAiUFMzODQifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.kLuy2lhOjNybdtoDMy7kUKjK1"
	  "EyExggLP6apPu7ja-4XyX_0WKW4l93v5ek54GIRnkiexrUSOAOSygkX4R6hp2oq4zf3YLNsaT13dsdHX"
	  "nIkD0UXQTxXT9OgEHl2IuvOi7cfL-w3_xzWLsXjrJgAmFjUVNVMidw7v03D4Ya9Ru4D4zs0h_siHJLcO"
	  "Aczb1SlBNDO1hGjTh034LQmeYp4M-uq-jd35ItsxRXN3_iinuccqEPNl825QSFoCyNErK5TTHRdEKg-D"
	  "kAkGipgGCaKN7mkiKH3VAl_boGObpn-WSahesx4XPoSgBf8Y7NQiqdNYL31TvrMuuUdKoyEg_kQ3w" },
	{ "ES384", "EC384",
	  "eyJhbGciOiAiRVMzODQifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.uFbiyN_J8Qvz2MFggh26VQDj1"
	  "oq9aIpTewr83mcF6wvy0352VDYWKBJOaePAEeWgnWBNeoEaN9jDAzhtLBV-GvDt0YTGl8A2ixgZEtU4p"
	  "1cEyXT-2-XXJktlElKYvltJ" },
	{ "HS512", "secret",
	  "eyJhbGciOiAiSFM1MTIifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.ypC29BsZ0g-A_PsLnTx9SVNd5"
	  "CzgOIhkTAmvDBf5N4x7CGqgV6RKKOkdBg3UHeS6Wl2kRdFfOl430m362HOXRA" },
	{ "RS512", "RSA",
	  "eyJhbGciOiAiUlM1MTIifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.pUq6mwismVC6aiSQ30nuObfHZ"
	  "i2eOrkSnC02gwdtF9o67Yi3aAL1qDEWyKrwuFD4JkcwIUCi8v6UlixATw2K-N43W1SCha4juzS8xWf3b"
	  "CkwGykhS3pC_9KRC5yRxdfO7RTN4LQTeCloxypp5L3MHffBHWxF76aGK57zOj_d-YeL2pMoekn_i1z2Z"
	  "BuNkPuj-TFTuiyyaAapXWjQMCwe7coVK2IBDO4-ZSLJSzJduCkYbcfzY-2wwnqmcumAaD2O658QGUNbg"
	  "sJX1VmHCA9T70T0engwS2X50Nx2thWEIrZzSrw3W8hf3Pk5letzlDtHcW09G91GJ3fz_3fRThS80A" },
	{ "PS512", "RSA",
	  "eyJhbGciOiAiUFM1MTIifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.y-GsMoEJFwx9AOJCvpoQ6R20I"
	  "9_j3iflGhXe3xX50xyIHrl8sF8wnGU6Zv-u3-XOR9VWPDgoeZxXMRK5jveRIdRcx9ghvBoW5bL-7BZjU"
	  "EmIKtXQyrx5Q20YVqXjpGuOCOa8RGl-F33vNsxKFssUE9Hour_l18-E5bG057RbTvxLHX_OkTyDJrheA"
	  "X3d70aE2TmvdBQLoxb5A6l0xIcTW3JebvYi1Ghe7jGf4-xH3MtW2KDC5SbpMbJ-XHh-5YsajTlSeyWeu"
	  "_WMXce9f8p_9rZuC1xDEF7zSbcC1PX7XB-skSBVAxUoGqMrQnRudA-NjbEtclYxU0763AwArhspwQ" },
	{ "ES512", "EC512",
	  "eyJhbGciOiAiRVM1MTIifQ.eyJpc3MiOiJqb2UiLCJuIjpbMSwyXX0.AHPnoW4N5PzkT4KkbWqsyt6ub"
	  "9kwlWaIR4u9uNIoPF0CTU3_uhwwWQ709_RmBpPJSEHYXiZBV2733Cw3E7TXOkfbAASgz44CP0KwZtinE"
	  "oezkdZKY_7aaRUp1WQadHooL4wQ9p3WXSlHxjbHJhGHcz-i3X9nx-6NEMINkbtppNssppV3" },
};

/* how: the converter behind jwt_decrypt_; key: a secret, a JWK or the name of a key above */
static const struct { const char *how, *key, *token; } jwe_vectors[] = {
	{ "secret",
	  "AfBG5zt1VTQ4xAFntBOW-A",
	  "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMTI4R0NNIn0..5DBFF8KUGWeR2f4Z.AOR7Xl9MV5JULa1ECc"
	  "d1aeObXIY4jw.oUe09BmU_ckiUW8JDsB5Tw" },
	{ "secret",
	  "F_dsOtnsvdAy4zVCeTk0xoWH49kCm_uR",
	  "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMTkyR0NNIn0..yR2HJJnoSw0Bl_mq.mJm8gApDDn736Qs9M_"
	  "MiTGH8vpdHvg.l_id7tOPrjm74xwYLR-mKg" },
	{ "secret",
	  "UXJ7e0ad7AtIkyEVoLJZyNsIxXRt0fTcUynQG7N3ro4",
	  "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMjU2R0NNIn0..UhYPaG12QhufdNKN.lvbLQ4pMZCiUny03Vr"
	  "0BCAHPbuKw2Q.dvwQ74anHSIqiKaQrqp2Sw" },
	{ "secret",
	  "2VV33TUSvIk071ddCVF1Ttc8OrQdFBhiyfdpS4iWkaM",
	  "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMTI4Q0JDLUhTMjU2In0..TzxLe042EfYvWSBO4izHIA.b00X"
	  "laEkDC97ZED15q5ysDe2-8rpPgBpuVRDYahHkKM.Pome0jEMjt_lee2JNm9d0g" },
	{ "secret",
	  "Mhw41Q9dknVM12opoL1h_3se-xpd-6XfehlaDdI8l5nwEjuKluGlZ6_A9JD33MuX",
	  "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMTkyQ0JDLUhTMzg0In0..3sQ2e_0NKdUqQqihRiFz_A.pJDP"
	  "VBp5qaDhLWuUprpeRCeOXJ9J4y0aMi8i2KIMeiI.n8Y7l9a2KIxoNWL8_pzjB37ZO_VuLm1K" },
	{ "secret",
	  "8eNuzJ8pY3M_ldvPUfcYnsyaMG_SngpnJZWTzUcAgPEelpBrriIZFmgRF3OuqRivtgiZLMwF9i8bxglV"
	  "BddvLA",
	  "eyJhbGciOiAiZGlyIiwgImVuYyI6ICJBMjU2Q0JDLUhTNTEyIn0..frkwlFROn-IGyCANGIz1YQ.FuVD"
	  "_F7V7kWDp-Q993Xq9bDoO1VDW5WoKWc6P4BQ4g8.WTdPxAHVAVm9jWrvKmXF0I0wcRzG923UPLnMmFan"
	  "fPU" },
	{ "secret",
	  "UW1gR6a3FHgU7CJPOinF2w",
	  "eyJhbGciOiAiQTEyOEtXIiwgImVuYyI6ICJBMTI4R0NNIn0.MBpmbzA7aBvdq7wyY9dNzo1mdDyUtrYe"
	  ".6jikE58cvr2oFCez.h9ttgvJYpwdTwiAe7AtFROt0j_XpMw.IxSWnvxGTHu5eMMeVp4y9A" },
	{ "jwk",
	  "{\"kty\": \"oct\", \"k\": \"UW1gR6a3FHgU7CJPOinF2w\"}",
	  "eyJhbGciOiAiQTEyOEtXIiwgImVuYyI6ICJBMTI4R0NNIn0.MBpmbzA7aBvdq7wyY9dNzo1mdDyUtrYe"
	  ".6jikE58cvr2oFCez.h9ttgvJYpwdTwiAe7AtFROt0j_XpMw.IxSWnvxGTHu5eMMeVp4y9A" },
	{ "secret",
	  "8dMuz3XnQDkN_FEYdtMMGQ",
	  "eyJhbGciOiAiQTEyOEdDTUtXIiwgImVuYyI6ICJBMTkyQ0JDLUhTMzg0IiwgIml2IjogIjhQbzJDN1gx"
	  "QXFSR1o4UzUiLCAidGFnIjogInRUUU1MSHpjdGdpYWw4ekZrbEM5TEEifQ.LYD7-iyHulSdMwPcq19iy"
	  "8GuLbNmh7JChD0U93Ks2FYeaVe2-9Ja64ims94tcClU.phwHtsKWfJKNrdaix2nnug.CugTMCieIK1Wy"
	  "1ShgK6-0D4gp1gaTwxiJoivn3Rsoco.O53X4UdGbFGiRnlid72U5EQ8LVg61OCs" },
	{ "jwk",
	  "{\"kty\": \"oct\", \"k\": \"8dMuz3XnQDkN_FEYdtMMGQ\"}",
	  "eyJhbGciOiAiQTEyOEdDTUtXIiwgImVuYyI6ICJBMTkyQ0JDLUhTMzg0IiwgIml2IjogIjhQbzJDN1gx"
	  "QXFSR1o4UzUiLCAidGFnIjogInRUUU1MSHpjdGdpYWw4ekZrbEM5TEEifQ.LYD7-iyHulSdMwPcq19iy"
	  "8GuLbNmh7JChD0U93Ks2FYeaVe2-9Ja64ims94tcClU.phwHtsKWfJKNrdaix2nnug.CugTMCieIK1Wy"
	  "1ShgK6-0D4gp1gaTwxiJoivn3Rsoco.O53X4UdGbFGiRnlid72U5EQ8LVg61OCs" },
	{ "secret",
	  "2k3q_9bh29BcZUb1oqJtQx0LNJmvFzez",
	  "eyJhbGciOiAiQTE5MktXIiwgImVuYyI6ICJBMjU2R0NNIn0.ngNTjpKcqc9O3uHgbLRiZuRoKA85y0B7"
	  "EeMRUjsbeU_xnLlHhMKymg.GX6iBQLn5dDeyk-g.hKiFG4PXmicb6VQu7bjkK6gOXLQU-Q.ByO1ZWbTG"
	  "gi9i440pbcD4g" },
	{ "jwk",
	  "{\"kty\": \"oct\", \"k\": \"2k3q_9bh29BcZUb1oqJtQx0LNJmvFzez\"}",
	  "eyJhbGciOiAiQTE5MktXIiwgImVuYyI6ICJBMjU2R0NNIn0.ngNTjpKcqc9O3uHgbLRiZuRoKA85y0B7"
	  "EeMRUjsbeU_xnLlHhMKymg.GX6iBQLn5dDeyk-g.hKiFG4PXmicb6VQu7bjkK6gOXLQU-Q.ByO1ZWbTG"
	  "gi9i440pbcD4g" },
	{ "secret",
	  "u2c3c-XSaZ0QRgQDncNx8x1BOkud7VP1",
	  "eyJhbGciOiAiQTE5MkdDTUtXIiwgImVuYyI6ICJBMjU2R0NNIiwgIml2IjogImRnSlNiTVBybkE0cHJ1"
	  "a2IiLCAidGFnIjogIjJTOXBveHoydmdMTGtuZjkyT1ZBSlEifQ.J-PYNUKuAV-HHY4SPppVHfmvTN76-"
	  "IWt3fgy3iTkpH4.aUC0zpHuSbOMCp9b.TaaOuRfB3-yU-U58ZmYvL6id2Jammg.joz8BwTo5CDpRAmft"
	  "XyWeg" },
	{ "jwk",
	  "{\"kty\": \"oct\", \"k\": \"u2c3c-XSaZ0QRgQDncNx8x1BOkud7VP1\"}",
	  "eyJhbGciOiAiQTE5MkdDTUtXIiwgImVuYyI6ICJBMjU2R0NNIiwgIml2IjogImRnSlNiTVBybkE0cHJ1"
	  "a2IiLCAidGFnIjogIjJTOXBveHoydmdMTGtuZjkyT1ZBSlEifQ.J-PYNUKuAV-HHY4SPppVHfmvTN76-"
	  "IWt3fgy3iTkpH4.aUC0zpHuSbOMCp9b.TaaOuRfB3-yU-U58ZmYvL6id2Jammg.joz8BwTo5CDpRAmft"
	  "XyWeg" },
	{ "secret",
	  "G0DyCdQQJYZMLd_Hpay7XIfxgsWpmqWgwfTuCSupACg",
	  "eyJhbGciOiAiQTI1NktXIiwgImVuYyI6ICJBMjU2Q0JDLUhTNTEyIn0.GkqFgOJQojulhD3KyAYzUgxX"
	  "DxrtWEwSMTDsSRLXWUH5HsLD2rOsdY-LSiV4Ciim-JMhLHKVNCFF_OC1Fn_VjZQC02NXOp8S.K134zAR"
	  "AQOC9fmPIwmzoWQ.OFDLWiukQD9jFkMYJCy1gTO0_-xb7LCcgumTXoJphhg.cXhzJiKp1Fvr5OinkoYj"
	  "FFHX_nU3-OWXKrmIwF5kkHs" },
	{ "jwk",
	  "{\"kty\": \"oct\", \"k\": \"G0DyCdQQJYZMLd_Hpay7XIfxgsWpmqWgwfTuCSupACg\"}",
	  "eyJhbGciOiAiQTI1NktXIiwgImVuYyI6ICJBMjU2Q0JDLUhTNTEyIn0.GkqFgOJQojulhD3KyAYzUgxX"
	  "DxrtWEwSMTDsSRLXWUH5HsLD2rOsdY-LSiV4Ciim-JMhLHKVNCFF_OC1Fn_VjZQC02NXOp8S.K134zAR"
	  "AQOC9fmPIwmzoWQ.OFDLWiukQD9jFkMYJCy1gTO0_-xb7LCcgumTXoJphhg.cXhzJiKp1Fvr5OinkoYj"
	  "FFHX_nU3-OWXKrmIwF5kkHs" },
	{ "secret",
	  "v8zeELpS3_npB6rGO-8nfa4ZW6M_9CU5UsViK5t-qpY",
	  "eyJhbGciOiAiQTI1NkdDTUtXIiwgImVuYyI6ICJBMTI4Q0JDLUhTMjU2IiwgIml2IjogIllEcUplcHNv"
	  "U1dZbUF5OUgiLCAidGFnIjogIktjTGNBWGItWjZvSDVRRTdKTGZIalEifQ.21PtOStNt3mjjfSvP6BGz"
	  "QD39niiB4vrGaqxhsXrHxw.q1gnbnrJbNtP9G14syFEng.3ohUN6HcC_GR0I3XupJSPqW2KKYOSr_AFH"
	  "cuaCFE0pM.OiZfdEW6K4W35NAadkRXVA" },
	{ "jwk",
	  "{\"kty\": \"oct\", \"k\": \"v8zeELpS3_npB6rGO-8nfa4ZW6M_9CU5UsViK5t-qpY\"}",
	  "eyJhbGciOiAiQTI1NkdDTUtXIiwgImVuYyI6ICJBMTI4Q0JDLUhTMjU2IiwgIml2IjogIllEcUplcHNv"
	  "U1dZbUF5OUgiLCAidGFnIjogIktjTGNBWGItWjZvSDVRRTdKTGZIalEifQ.21PtOStNt3mjjfSvP6BGz"
	  "QD39niiB4vrGaqxhsXrHxw.q1gnbnrJbNtP9G14syFEng.3ohUN6HcC_GR0I3XupJSPqW2KKYOSr_AFH"
	  "cuaCFE0pM.OiZfdEW6K4W35NAadkRXVA" },
	{ "jwk",
	  "{\"kty\": \"RSA\", \"n\": \"zBGOgcrK_KD0a5sNsAXEhvAXMmAxJ34lh7ROYNedSqk3n5dMLSGU"
	  "t7yuj_QPL19ZjAJ2e2wFYsQEyBfFpaT0SS3ASuPsXXFcRY2Xq3nC9zV2CTJHWf7wt_eZDpaHrSeAn2di"
	  "4TI4QjjYuX1UYIDOpPQYM-i1m_k0DRB6XC9W215cw_wI8lXO9ec2m8TUAWEmUoQTNOpCFFIFvGFav8IM"
	  "i3bO3UYk3rBSDa0GSo8YQ_R2OWWBKgNJZthuSmgu60KX-RLpQeb5XaTuchKYNY-ObYfFnPr2r6xDGXUe"
	  "hygS94fxozLyOttxvc9B7y1brekXUbRGFJGCCHYbIefKXmLRfQ\", \"e\": \"AQAB\", \"d\": \""
	  "IxLha21vdfw0BkqgD6DuJkMduYrO5_rGeIyE7CAi6LIs3UEj1p3u8aV8W0GXWo0I1weVVaE7S75lE_8B"
	  "-XZghjNW2YhTF7xkH5A2gUJsQBDwOKRrnwwyU2w64kb9CsW_VaZvWEVJZhhfJ4Ji_jMlUTSi9EkK7cPn"
	  "LlemsDFyvEEtGZfxsOLT2p98uH8Nk-l_ah6mEgmFFGTyCs_V-WcFbRIOfJyLHFojHXoPx7g0dfhz91ij"
	  "Gtqf1AbYPW3Wd8JnsMmrc2WUpbwSSSG6IxGd0aHRJH1bJPa-a2CP30LDHHVemZ5XUNbyKH2srcC5SagX"
	  "zy37J_ciKe3cWBqiuu6B\", \"p\": \"6dudMiR1B2Zih51wAhA4O2qdC_vLdEaao9Xh65qRXjwZpsL"
	  "GjSr4p19417_2R-GnOdToD1fbrT5UY0Z0Tlj37L6kK1viKtyzUcTdWH4U2BPGMCMwPWHdHx0fesOii2M"
	  "BUR0v5OPelxhAPN0jYUfmhiZS9jySGprg2dW27uuoCaU\", \"q\": \"32PkZpqAq_txPnLKgA50HV5"
	  "97tgJ6jbxav8usGPNzGYaWTmFPDokxQ2KbQveuA_Tjjcc1-xjXgHRlRmh-HG59D8hAlQtWeIEs9TAz5u"
	  "Ta14gyyaNpCkJ-QdESwpe7iSyYC7PB-dkDwXtFYm7__sRznVuKvs35q04BYaT4jsQsPk\", \"dp\": "
	  "\"rDUweLAoDZ7zh3ID_UD8Z6SGqUBt_d3QGj1x9BEKYx5WtVpQ47t1B6tiTV3qedxNTGTfzgygk96GPe"
	  "Sv2NHjH87zDYrH7VBALEKPzI5rwwIsu13uNAVQ04yalchidcoeOiEIF8FFNHaDN06Qsx5DPx4RkYng_P"
	  "53_XFHGIEoaJE\", \"dq\": \"mdPGruTLoCJIa_FOAnpxeNvdqj_4K-FjwwMv2mUPjSXuFOzoE34SX"
	  "eMiJE8dMfAsBO1snj94eX6VHLAG-fcOTuO9zkW66P8br93cW9nM3Q13VY0Z0iY0aNiZLXdZwXFhp5v0E"
	  "oRDQZkaFk-_Ntlj_KCemVheuSkkv6FZalqz9rk\", \"qi\": \"djEEOF4V-CcSczA3oq226t--9KAs"
	  "lyI2KSd6U1B7U3vvRy-m6hYp626v5m6KJ0CoBJqy4EelZTIMnv-cRJm3RMEJiVitmFS3K0jWdSDSsDGX"
	  "MSwX85EOVYUwmJ-Ldes7ESfBYCjYnV8GGuET5ArAsLxsIB5o9kP7judl0UsLZ0U\"}",
	  "eyJhbGciOiAiUlNBLU9BRVAiLCAiZW5jIjogIkExOTJDQkMtSFMzODQifQ.uUIPjIxjTbM1PbNU2dfkP"
	  "BOh9eK6rvoB_-DXFpK_u5ynf5HmTFd3jK78aOTNT-zvbijwzL-ggkoQR20XByvB3u7pv6EviPETRlqvh"
	  "5wrZMONjD0phn5CcV1Xqi7G0_Xi7-XQ5j5RmtKK9pcNv2BIbEPsjK27K8E7Z1N8Ac184fWMcpnNIFRa3"
	  "YLwo1tQY2DqpaQGJdyvnQirPI2gBTgxTk5HBtK4Co1wzEluAU8QqiIqUkhJvgdrNKHooW1hz63dWjfou"
	  "vrbGGu5BsGK6elRXHf7WNVYi4Q4dubFyOGV5fWYaqZJhgrVSaywi6wuRZ4_BO0jjzVPmX5C2na01fEQ3"
	  "A.9aZkdUblO0xZRuMai_allQ.uG8oamMNvLEgQwvbKCAqOwQYa2CqwMJu27Znh0QdHwQ.k-rbN30zR0p"
	  "hsBikJFcH5O6QuCr0YlnO" },
	{ "jwk",
	  "{\"kty\": \"RSA\", \"n\": \"zBGOgcrK_KD0a5sNsAXEhvAXMmAxJ34lh7ROYNedSqk3n5dMLSGU"
	  "t7yuj_QPL19ZjAJ2e2wFYsQEyBfFpaT0SS3ASuPsXXFcRY2Xq3nC9zV2CTJHWf7wt_eZDpaHrSeAn2di"
	  "4TI4QjjYuX1UYIDOpPQYM-i1m_k0DRB6XC9W215cw_wI8lXO9ec2m8TUAWEmUoQTNOpCFFIFvGFav8IM"
	  "i3bO3UYk3rBSDa0GSo8YQ_R2OWWBKgNJZthuSmgu60KX-RLpQeb5XaTuchKYNY-ObYfFnPr2r6xDGXUe"
	  "hygS94fxozLyOttxvc9B7y1brekXUbRGFJGCCHYbIefKXmLRfQ\", \"e\": \"AQAB\", \"d\": \""
	  "IxLha21vdfw0BkqgD6DuJkMduYrO5_rGeIyE7CAi6LIs3UEj1p3u8aV8W0GXWo0I1weVVaE7S75lE_8B"
	  "-XZghjNW2YhTF7xkH5A2gUJsQBDwOKRrnwwyU2w64kb9CsW_VaZvWEVJZhhfJ4Ji_jMlUTSi9EkK7cPn"
	  "LlemsDFyvEEtGZfxsOLT2p98uH8Nk-l_ah6mEgmFFGTyCs_V-WcFbRIOfJyLHFojHXoPx7g0dfhz91ij"
	  "Gtqf1AbYPW3Wd8JnsMmrc2WUpbwSSSG6IxGd0aHRJH1bJPa-a2CP30LDHHVemZ5XUNbyKH2srcC5SagX"
	  "zy37J_ciKe3cWBqiuu6B\"}",
	  "eyJhbGciOiAiUlNBLU9BRVAiLCAiZW5jIjogIkExOTJDQkMtSFMzODQifQ.uUIPjIxjTbM1PbNU2dfkP"
	  "BOh9eK6rvoB_-DXFpK_u5ynf5HmTFd3jK78aOTNT-zvbijwzL-ggkoQR20XByvB3u7pv6EviPETRlqvh"
	  "5wrZMONjD0phn5CcV1Xqi7G0_Xi7-XQ5j5RmtKK9pcNv2BIbEPsjK27K8E7Z1N8Ac184fWMcpnNIFRa3"
	  "YLwo1tQY2DqpaQGJdyvnQirPI2gBTgxTk5HBtK4Co1wzEluAU8QqiIqUkhJvgdrNKHooW1hz63dWjfou"
	  "vrbGGu5BsGK6elRXHf7WNVYi4Q4dubFyOGV5fWYaqZJhgrVSaywi6wuRZ4_BO0jjzVPmX5C2na01fEQ3"
	  "A.9aZkdUblO0xZRuMai_allQ.uG8oamMNvLEgQwvbKCAqOwQYa2CqwMJu27Znh0QdHwQ.k-rbN30zR0p"
	  "hsBikJFcH5O6QuCr0YlnO" },
	{ "cert",
	  "RSA",
	  "eyJhbGciOiAiUlNBLU9BRVAiLCAiZW5jIjogIkExOTJDQkMtSFMzODQifQ.uUIPjIxjTbM1PbNU2dfkP"
	  "BOh9eK6rvoB_-DXFpK_u5ynf5HmTFd3jK78aOTNT-zvbijwzL-ggkoQR20XByvB3u7pv6EviPETRlqvh"
	  "5wrZMONjD0phn5CcV1Xqi7G0_Xi7-XQ5j5RmtKK9pcNv2BIbEPsjK27K8E7Z1N8Ac184fWMcpnNIFRa3"
	  "YLwo1tQY2DqpaQGJdyvnQirPI2gBTgxTk5HBtK4Co1wzEluAU8QqiIqUkhJvgdrNKHooW1hz63dWjfou"
	  "vrbGGu5BsGK6elRXHf7WNVYi4Q4dubFyOGV5fWYaqZJhgrVSaywi6wuRZ4_BO0jjzVPmX5C2na01fEQ3"
	  "A.9aZkdUblO0xZRuMai_allQ.uG8oamMNvLEgQwvbKCAqOwQYa2CqwMJu27Znh0QdHwQ.k-rbN30zR0p"
	  "hsBikJFcH5O6QuCr0YlnO" },
	{ "jwk",
	  "{\"kty\": \"RSA\", \"n\": \"zBGOgcrK_KD0a5sNsAXEhvAXMmAxJ34lh7ROYNedSqk3n5dMLSGU"
	  "t7yuj_QPL19ZjAJ2e2wFYsQEyBfFpaT0SS3ASuPsXXFcRY2Xq3nC9zV2CTJHWf7wt_eZDpaHrSeAn2di"
	  "4TI4QjjYuX1UYIDOpPQYM-i1m_k0DRB6XC9W215cw_wI8lXO9ec2m8TUAWEmUoQTNOpCFFIFvGFav8IM"
	  "i3bO3UYk3rBSDa0GSo8YQ_R2OWWBKgNJZthuSmgu60KX-RLpQeb5XaTuchKYNY-ObYfFnPr2r6xDGXUe"
	  "hygS94fxozLyOttxvc9B7y1brekXUbRGFJGCCHYbIefKXmLRfQ\", \"e\": \"AQAB\", \"d\": \""
	  "IxLha21vdfw0BkqgD6DuJkMduYrO5_rGeIyE7CAi6LIs3UEj1p3u8aV8W0GXWo0I1weVVaE7S75lE_8B"
	  "-XZghjNW2YhTF7xkH5A2gUJsQBDwOKRrnwwyU2w64kb9CsW_VaZvWEVJZhhfJ4Ji_jMlUTSi9EkK7cPn"
	  "LlemsDFyvEEtGZfxsOLT2p98uH8Nk-l_ah6mEgmFFGTyCs_V-WcFbRIOfJyLHFojHXoPx7g0dfhz91ij"
	  "Gtqf1AbYPW3Wd8JnsMmrc2WUpbwSSSG6IxGd0aHRJH1bJPa-a2CP30LDHHVemZ5XUNbyKH2srcC5SagX"
	  "zy37J_ciKe3cWBqiuu6B\", \"p\": \"6dudMiR1B2Zih51wAhA4O2qdC_vLdEaao9Xh65qRXjwZpsL"
	  "GjSr4p19417_2R-GnOdToD1fbrT5UY0Z0Tlj37L6kK1viKtyzUcTdWH4U2BPGMCMwPWHdHx0fesOii2M"
	  "BUR0v5OPelxhAPN0jYUfmhiZS9jySGprg2dW27uuoCaU\", \"q\": \"32PkZpqAq_txPnLKgA50HV5"
	  "97tgJ6jbxav8usGPNzGYaWTmFPDokxQ2KbQveuA_Tjjcc1-xjXgHRlRmh-HG59D8hAlQtWeIEs9TAz5u"
	  "Ta14gyyaNpCkJ-QdESwpe7iSyYC7PB-dkDwXtFYm7__sRznVuKvs35q04BYaT4jsQsPk\", \"dp\": "
	  "\"rDUweLAoDZ7zh3ID_UD8Z6SGqUBt_d3QGj1x9BEKYx5WtVpQ47t1B6tiTV3qedxNTGTfzgygk96GPe"
	  "Sv2NHjH87zDYrH7VBALEKPzI5rwwIsu13uNAVQ04yalchidcoeOiEIF8FFNHaDN06Qsx5DPx4RkYng_P"
	  "53_XFHGIEoaJE\", \"dq\": \"mdPGruTLoCJIa_FOAnpxeNvdqj_4K-FjwwMv2mUPjSXuFOzoE34SX"
	  "eMiJE8dMfAsBO1snj94eX6VHLAG-fcOTuO9zkW66P8br93cW9nM3Q13VY0Z0iY0aNiZLXdZwXFhp5v0E"
	  "oRDQZkaFk-_Ntlj_KCemVheuSkkv6FZalqz9rk\", \"qi\": \"djEEOF4V-CcSczA3oq226t--9KAs"
	  "lyI2KSd6U1B7U3vvRy-m6hYp626v5m6KJ0CoBJqy4EelZTIMnv-cRJm3RMEJiVitmFS3K0jWdSDSsDGX"
	  "MSwX85EOVYUwmJ-Ldes7ESfBYCjYnV8GGuET5ArAsLxsIB5o9kP7judl0UsLZ0U\"}",
	  "eyJhbGciOiAiUlNBLU9BRVAtMjU2IiwgImVuYyI6ICJBMjU2Q0JDLUhTNTEyIn0.xlhxfn2Tfr8Shnx5"
	  "zhM3cItQZ5YamW5HLJmDJ10qCzYcRCyeKpm8tZovv_X3Eky4u-lsp958rnjjgvPRnBmuDa16K8zP09Rs"
	  "HkWmKYtYcv7GFYP2qj388B1Su_d1CDUfLkKVjtOxa3A8tkLMxcC0MaYt0wKzn_W2BKolJoaZkOGBCMZ-"
	  "qiMDKANegoMwrj2qA9oeVYLgsLsMya_oaUlLslIhulyBVSDt4aV8HD7fbmyDpZyVGjYR1LtivZ1KJmT6"
	  "yy8JORc_3Xkj9eyieepOL9wJbYvxoacz9EZSk0BYLg4XkR6Z2KhDhRJLQO-i0J84Uz4i808p8JX-0sA1"
	  "2vS83w.nId5fGqcTutjz7EyhnlVkg.y9uGbINdvDBH-Tteuts_xIDT_-jZIRwxGlXO546JRkI.yRmX9S"
	  "GRp0v1eTo2Y9d7xuHBqahlRhmp6yuzG3nY0G0" },
	{ "jwk",
	  "{\"kty\": \"RSA\", \"n\": \"zBGOgcrK_KD0a5sNsAXEhvAXMmAxJ34lh7ROYNedSqk3n5dMLSGU"
	  "t7yuj_QPL19ZjAJ2e2wFYsQEyBfFpaT0SS3ASuPsXXFcRY2Xq3nC9zV2CTJHWf7wt_eZDpaHrSeAn2di"
	  "4TI4QjjYuX1UYIDOpPQYM-i1m_k0DRB6XC9W215cw_wI8lXO9ec2m8TUAWEmUoQTNOpCFFIFvGFav8IM"
	  "i3bO3UYk3rBSDa0GSo8YQ_R2OWWBKgNJZthuSmgu60KX-RLpQeb5XaTuchKYNY-ObYfFnPr2r6xDGXUe"
	  "hygS94fxozLyOttxvc9B7y1brekXUbRGFJGCCHYbIefKXmLRfQ\", \"e\": \"AQAB\", \"d\": \""
	  "IxLha21vdfw0BkqgD6DuJkMduYrO5_rGeIyE7CAi6LIs3UEj1p3u8aV8W0GXWo0I1weVVaE7S75lE_8B"
	  "-XZghjNW2YhTF7xkH5A2gUJsQBDwOKRrnwwyU2w64kb9CsW_VaZvWEVJZhhfJ4Ji_jMlUTSi9EkK7cPn"
	  "LlemsDFyvEEtGZfxsOLT2p98uH8Nk-l_ah6mEgmFFGTyCs_V-WcFbRIOfJyLHFojHXoPx7g0dfhz91ij"
	  "Gtqf1AbYPW3Wd8JnsMmrc2WUpbwSSSG6IxGd0aHRJH1bJPa-a2CP30LDHHVemZ5XUNbyKH2srcC5SagX"
	  "zy37J_ciKe3cWBqiuu6B\"}",
	  "eyJhbGciOiAiUlNBLU9BRVAtMjU2IiwgImVuYyI6ICJBMjU2Q0JDLUhTNTEyIn0.xlhxfn2Tfr8Shnx5"
	  "zhM3cItQZ5YamW5HLJmDJ10qCzYcRCyeKpm8tZovv_X3Eky4u-lsp958rnjjgvPRnBmuDa16K8zP09Rs"
	  "HkWmKYtYcv7GFYP2qj388B1Su_d1CDUfLkKVjtOxa3A8tkLMxcC0MaYt0wKzn_W2BKolJoaZkOGBCMZ-"
	  "qiMDKANegoMwrj2qA9oeVYLgsLsMya_oaUlLslIhulyBVSDt4aV8HD7fbmyDpZyVGjYR1LtivZ1KJmT6"
	  "yy8JORc_3Xkj9eyieepOL9wJbYvxoacz9EZSk0BYLg4XkR6Z2KhDhRJLQO-i0J84Uz4i808p8JX-0sA1"
	  "2vS83w.nId5fGqcTutjz7EyhnlVkg.y9uGbINdvDBH-Tteuts_xIDT_-jZIRwxGlXO546JRkI.yRmX9S"
	  "GRp0v1eTo2Y9d7xuHBqahlRhmp6yuzG3nY0G0" },
	{ "cert",
	  "RSA",
	  "eyJhbGciOiAiUlNBLU9BRVAtMjU2IiwgImVuYyI6ICJBMjU2Q0JDLUhTNTEyIn0.xlhxfn2Tfr8Shnx5"
	  "zhM3cItQZ5YamW5HLJmDJ10qCzYcRCyeKpm8tZovv_X3Eky4u-lsp958rnjjgvPRnBmuDa16K8zP09Rs"
	  "HkWmKYtYcv7GFYP2qj388B1Su_d1CDUfLkKVjtOxa3A8tkLMxcC0MaYt0wKzn_W2BKolJoaZkOGBCMZ-"
	  "qiMDKANegoMwrj2qA9oeVYLgsLsMya_oaUlLslIhulyBVSDt4aV8HD7fbmyDpZyVGjYR1LtivZ1KJmT6"
	  "yy8JORc_3Xkj9eyieepOL9wJbYvxoacz9EZSk0BYLg4XkR6Z2KhDhRJLQO-i0J84Uz4i808p8JX-0sA1"
	  "2vS83w.nId5fGqcTutjz7EyhnlVkg.y9uGbINdvDBH-Tteuts_xIDT_-jZIRwxGlXO546JRkI.yRmX9S"
	  "GRp0v1eTo2Y9d7xuHBqahlRhmp6yuzG3nY0G0" },
	{ "jwk",
	  "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"9qpqrMM83lPKF4v0fPUYygEG9VYyJbkx_"
	  "5_7B2vrs28\", \"y\": \"BDsNSk-ylKmN8FYl-oWyZRprP0KIafNhCuge71Z_jmc\", \"d\": \"j"
	  "NOFNVPczWIJ0ThKQWlYfeX5wjFhyapISiy9_QlmZRU\"}",
	  "eyJhbGciOiAiRUNESC1FUyIsICJlbmMiOiAiQTEyOEdDTSIsICJlcGsiOiB7Imt0eSI6ICJFQyIsICJj"
	  "cnYiOiAiUC0yNTYiLCAieCI6ICJzZDVzWFJWangzS3cyMm5aV0Faa1JyQ1V1VzJTZmRGRnQzNHI0M2pw"
	  "azhBIiwgInkiOiAiZmFmdVplOFE5TGFJVmt4bTZjbVQtcE5obzdtNFZSRmpZeVFtVGREMmo5cyJ9LCAi"
	  "YXB1IjogIlFXeHBZMlUiLCAiYXB2IjogIlFtOWkifQ..lOMOTlZAQ5K0nS4g.1vYLaC11rRuz_CQKF7h"
	  "zxIN76k8I4A.f0VgbDRQj48hGZz0Gm5mQw" },
	{ "cert",
	  "EC256",
	  "eyJhbGciOiAiRUNESC1FUyIsICJlbmMiOiAiQTEyOEdDTSIsICJlcGsiOiB7Imt0eSI6ICJFQyIsICJj"
	  "cnYiOiAiUC0yNTYiLCAieCI6ICJzZDVzWFJWangzS3cyMm5aV0Faa1JyQ1V1VzJTZmRGRnQzNHI0M2pw"
	  "azhBIiwgInkiOiAiZmFmdVplOFE5TGFJVmt4bTZjbVQtcE5obzdtNFZSRmpZeVFtVGREMmo5cyJ9LCAi"
	  "YXB1IjogIlFXeHBZMlUiLCAiYXB2IjogIlFtOWkifQ..lOMOTlZAQ5K0nS4g.1vYLaC11rRuz_CQKF7h"
	  "zxIN76k8I4A.f0VgbDRQj48hGZz0Gm5mQw" },
	{ "jwk",
	  "{\"kty\": \"EC\", \"crv\": \"P-384\", \"x\": \"CqGd2M5JHt8wP9a5QdqLM1ikcxzx8Lkr1"
	  "aajz9antQDscV2xy6Hxw5zf2OWtZq9p\", \"y\": \"Dw-m7JLL5UUWI8j1dyscMPnuTxVtBKAzlAFH"
	  "UCKfmTlfLZll8WT2ci5X0wJkZeEF\", \"d\": \"Ff9gSe00aGXjHKr5Rqjg6jaOd380z_FFt8V_NjO"
	  "0M-mujr2GSmdNRM-hf0tYuyWD\"}",
	  "eyJhbGciOiAiRUNESC1FUyIsICJlbmMiOiAiQTI1NkNCQy1IUzUxMiIsICJlcGsiOiB7Imt0eSI6ICJF"
	  "QyIsICJjcnYiOiAiUC0zODQiLCAieCI6ICJOLUhzOHlTSWtEY1B3OXVSS051TnBOTEt5WlpfQl9JMG4w"
	  "dVhDbVJGN3JneTVrMXpoTFVTVHRlWjlIc3pHU1NDIiwgInkiOiAiMnFDR3hPY3JqblNmQjh4YXJlVVZ2"
	  "NVRBYm1wLUxYR3ZJemFaRWwyRzBfMUJFSlVLRVVmVWdEdE9JcERsSzFmYiJ9fQ..uKhC7Vd0GEhO47yW"
	  "ka_YOA.oBq11O_hnLQ9BTK-vmuFLcHnvHPJEKl2L-2ReAQxzSs.E1FSQSSEJiovreqs1cMVhcfMZrt3W"
	  "QE_ouuqNvRCVN8" },
	{ "cert",
	  "EC384",
	  "eyJhbGciOiAiRUNESC1FUyIsICJlbmMiOiAiQTI1NkNCQy1IUzUxMiIsICJlcGsiOiB7Imt0eSI6ICJF"
	  "QyIsICJjcnYiOiAiUC0zODQiLCAieCI6ICJOLUhzOHlTSWtEY1B3OXVSS051TnBOTEt5WlpfQl9JMG4w"
	  "dVhDbVJGN3JneTVrMXpoTFVTVHRlWjlIc3pHU1NDIiwgInkiOiAiMnFDR3hPY3JqblNmQjh4YXJlVVZ2"
	  "NVRBYm1wLUxYR3ZJemFaRWwyRzBfMUJFSlVLRVVmVWdEdE9JcERsSzFmYiJ9fQ..uKhC7Vd0GEhO47yW"
	  "ka_YOA.oBq11O_hnLQ9BTK-vmuFLcHnvHPJEKl2L-2ReAQxzSs.E1FSQSSEJiovreqs1cMVhcfMZrt3W"
	  "QE_ouuqNvRCVN8" },
	{ "jwk",
	  "{\"kty\": \"EC\", \"crv\": \"P-521\", \"x\": \"AUiFhxTI7wR0uvl2WPjG3WqtZFdHRgXtO"
	  "uwcPFgd58faqgw0V_xuwYAGbZrH0YdHlKd3q2DEBPLsdc4RGnPbvnQK\", \"y\": \"ACMfavkVCkz3"
	  "L9bxOLdMxMWJRtM5pk8RT-myrLPrkiEf7LrSP-a4rBSijFJIA5BWPOpiPXROj01t5_wJeO2wEQ_B\", "
	  "\"d\": \"AJ4PkYLw4YyubIt82UEHAoM6nLTFEW04kwpiDVTDYHZYR18x2mQQwM27C2H3tAjdj6SWQ3E"
	  "lWMpoy9IrzWx__SyM\"}",
	  "eyJhbGciOiAiRUNESC1FUytBMTI4S1ciLCAiZW5jIjogIkExMjhHQ00iLCAiZXBrIjogeyJrdHkiOiAi"
	  "RUMiLCAiY3J2IjogIlAtNTIxIiwgIngiOiAiQUlkMzRSOGVlZWF6cEd4Y2c0a1R3WFhsWnVlSy1GODBo"
	  "LUdCdjNDX19ZQTd6b1J4enVKUndPdUZBWERWQVVBMElpby1Hb3NFTmlIakJmQ1J5a1FzeU93ciIsICJ5"
	  "IjogIkFDZngzeFQ3SGtZMFZZaVo4TC1JaVVnLTc5U2VOdGdIXzV3WFc3QlBpeUlzZ3F4NnRONnNEd1g3"
	  "TVVST1RObHI4N2NVcGVURklNZFlZSm9GcUNJanNxYloifSwgImFwdSI6ICJRV3hwWTJVIiwgImFwdiI6"
	  "ICJRbTlpIn0.le58pCtUMXRRlVpQnqemr797Bd5KGnQS.gNI5RnHb66nR0xZy.ChSrbT5NQl3K4-4XMI"
	  "o-K2m0YAPglA.1P2mRmadFod89SHseXHsjA" },
	{ "cert",
	  "EC512",
	  "eyJhbGciOiAiRUNESC1FUytBMTI4S1ciLCAiZW5jIjogIkExMjhHQ00iLCAiZXBrIjogeyJrdHkiOiAi"
	  "RUMiLCAiY3J2IjogIlAtNTIxIiwgIngiOiAiQUlkMzRSOGVlZWF6cEd4Y2c0a1R3WFhsWnVlSy1GODBo"
	  "LUdCdjNDX19ZQTd6b1J4enVKUndPdUZBWERWQVVBMElpby1Hb3NFTmlIakJmQ1J5a1FzeU93ciIsICJ5"
	  "IjogIkFDZngzeFQ3SGtZMFZZaVo4TC1JaVVnLTc5U2VOdGdIXzV3WFc3QlBpeUlzZ3F4NnRONnNEd1g3"
	  "TVVST1RObHI4N2NVcGVURklNZFlZSm9GcUNJanNxYloifSwgImFwdSI6ICJRV3hwWTJVIiwgImFwdiI6"
	  "ICJRbTlpIn0.le58pCtUMXRRlVpQnqemr797Bd5KGnQS.gNI5RnHb66nR0xZy.ChSrbT5NQl3K4-4XMI"
	  "o-K2m0YAPglA.1P2mRmadFod89SHseXHsjA" },
	{ "jwk",
	  "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"9qpqrMM83lPKF4v0fPUYygEG9VYyJbkx_"
	  "5_7B2vrs28\", \"y\": \"BDsNSk-ylKmN8FYl-oWyZRprP0KIafNhCuge71Z_jmc\", \"d\": \"j"
	  "NOFNVPczWIJ0ThKQWlYfeX5wjFhyapISiy9_QlmZRU\"}",
	  "eyJhbGciOiAiRUNESC1FUytBMTkyS1ciLCAiZW5jIjogIkExOTJHQ00iLCAiZXBrIjogeyJrdHkiOiAi"
	  "RUMiLCAiY3J2IjogIlAtMjU2IiwgIngiOiAiWUk4ZFpqLWF5dFd5d25VUWhlcEJTV0M1YWI1U0w3MTVj"
	  "TkdKWFVGSWNpayIsICJ5IjogIlpHeXkyY1NSRExuUGJxMTNUSmZCdERCT3l2eUQwZEsxSkwzN0d4OEJJ"
	  "SUUifX0.Q36GK8hkHo6wKOGg6JaMSJEU7Y_EoMZ5PGg9jSomPHo.nbBUvxHVWjFbXhsY.BFcPzFPrZoc"
	  "S1w-B1xiPlIkPYNlrig.kJ7aTZ30rhjsN-fG8o6YEg" },
	{ "cert",
	  "EC256",
	  "eyJhbGciOiAiRUNESC1FUytBMTkyS1ciLCAiZW5jIjogIkExOTJHQ00iLCAiZXBrIjogeyJrdHkiOiAi"
	  "RUMiLCAiY3J2IjogIlAtMjU2IiwgIngiOiAiWUk4ZFpqLWF5dFd5d25VUWhlcEJTV0M1YWI1U0w3MTVj"
	  "TkdKWFVGSWNpayIsICJ5IjogIlpHeXkyY1NSRExuUGJxMTNUSmZCdERCT3l2eUQwZEsxSkwzN0d4OEJJ"
	  "SUUifX0.Q36GK8hkHo6wKOGg6JaMSJEU7Y_EoMZ5PGg9jSomPHo.nbBUvxHVWjFbXhsY.BFcPzFPrZoc"
	  "S1w-B1xiPlIkPYNlrig.kJ7aTZ30rhjsN-fG8o6YEg" },
	{ "jwk",
	  "{\"kty\": \"EC\", \"crv\": \"P-384\", \"x\": \"CqGd2M5JHt8wP9a5QdqLM1ikcxzx8Lkr1"
	  "aajz9antQDscV2xy6Hxw5zf2OWtZq9p\", \"y\": \"Dw-m7JLL5UUWI8j1dyscMPnuTxVtBKAzlAFH"
	  "UCKfmTlfLZll8WT2ci5X0wJkZeEF\", \"d\": \"Ff9gSe00aGXjHKr5Rqjg6jaOd380z_FFt8V_NjO"
	  "0M-mujr2GSmdNRM-hf0tYuyWD\"}",
	  "eyJhbGciOiAiRUNESC1FUytBMjU2S1ciLCAiZW5jIjogIkExMjhDQkMtSFMyNTYiLCAiZXBrIjogeyJr"
	  "dHkiOiAiRUMiLCAiY3J2IjogIlAtMzg0IiwgIngiOiAiNk5Zb1U4dm41Vm9jOXIzdUNMUDd0T1V6VVc1"
	  "MlR5YzB6LUVjWjFPTjZ1VTBzM2J3cjdyWFRDSm4za2pNUnFKNyIsICJ5IjogInlnRHJFaGY5YXZvRDll"
	  "dUs1WDBqS2Q1My0yU0paeE5TZmdLZF9MQ3NkOEJXTjRlZ2p5c0plZnBuNTdSbFhfUkMifSwgImFwdSI6"
	  "ICJRV3hwWTJVIiwgImFwdiI6ICJRbTlpIn0.YJ2o85vr6EPGSVY8UNA0WwwgyLzXPFHJtJTwpXg73wTy"
	  "YNfO55w4JA.mC_wAyXWqxcfPi55EiuSTA.nr__JL66wzR4_y0DzaZ5SwaLXnkvopRA9jjGh-SD49g.Jk"
	  "NRQVhQBKK2LXxCVH1HDA" },
	{ "cert",
	  "EC384",
	  "eyJhbGciOiAiRUNESC1FUytBMjU2S1ciLCAiZW5jIjogIkExMjhDQkMtSFMyNTYiLCAiZXBrIjogeyJr"
	  "dHkiOiAiRUMiLCAiY3J2IjogIlAtMzg0IiwgIngiOiAiNk5Zb1U4dm41Vm9jOXIzdUNMUDd0T1V6VVc1"
	  "MlR5YzB6LUVjWjFPTjZ1VTBzM2J3cjdyWFRDSm4za2pNUnFKNyIsICJ5IjogInlnRHJFaGY5YXZvRDll"
	  "dUs1WDBqS2Q1My0yU0paeE5TZmdLZF9MQ3NkOEJXTjRlZ2p5c0plZnBuNTdSbFhfUkMifSwgImFwdSI6"
	  "ICJRV3hwWTJVIiwgImFwdiI6ICJRbTlpIn0.YJ2o85vr6EPGSVY8UNA0WwwgyLzXPFHJtJTwpXg73wTy"
	  "YNfO55w4JA.mC_wAyXWqxcfPi55EiuSTA.nr__JL66wzR4_y0DzaZ5SwaLXnkvopRA9jjGh-SD49g.Jk"
	  "NRQVhQBKK2LXxCVH1HDA" },
	{ "cert",
	  "RSA",
	  "eyJhbGciOiAiUlNBMV81IiwgImVuYyI6ICJBMTI4Q0JDLUhTMjU2In0.uOqX8yx1I--H-xGdZelCFHPm"
	  "hzDV0UA8qx5kMLzvIuNGtPEDRq6xE0oUlnb7oiI_KMa6kfJ0S5Y8nl4YPTy9b9IJV0DU6fDBzljg0e97"
	  "a7R8SauIjKbHh03PMMIl9xaf_c0UHulPap6hGjSpceU2zJIuySPNTAx3wNa_bwkNiE3am85lBT2kyYiZ"
	  "MUQ8dK-TKARVTu1g9cAZLwWCM77EnxWs9wuUjBvt5A6YCFrrC5-JBPKdLyClDA33zv_f3FapPU5ZcM2m"
	  "v2e5vrNbbD-mVWT1VgSnt9qD4ntdRjn0eGH3yzeY1w7fuYfvrQqMVrKuoRcaU6YV7VwniaHxM-gRyg.k"
	  "HUFNzzqrTx8RagI20_mUw.WoM7BQqAwE2CGN-vCqgdM-V2FSnJYid2q9ppLjCEDmk.X9RbTRasYcBMxF"
	  "ewZHklNQ" },
	{ "cert",
	  "RSA",
	  "eyJhbGciOiAiUlNBMV81IiwgImVuYyI6ICJBMjU2R0NNIn0.MAMOVjrOuLQLDjSxLudXfPXTQlgUx68y"
	  "8h9lQ6C3zQoZeXj7j5fKFIHYe6n5Yug_tkBASHZQ1yNlsqA_SjkDxgQGqe92cZZayag9r2ekhh145K1I"
	  "satpcUnT5YqMxF0U3LfUJv0MPrJjeUh8S_eAJFLj1P7e_KUfsy36Zupx9iTVhNkJsGyfwkvEaspDiSE9"
	  "qOZ0VzZaiFBd92eBYsxEFDNbxqJ1h--2u0C55b3rPTW0xVWR3Wj7llHktDubNl2GCVK7007WnUoYnUOV"
	  "6-SyWW8_aw12ULKMdNrR1UalQ_OH-nFcxd4xTGhLYdHE8UDcFa-va-xTBE9VMgx9jXqrvQ.d65ffr1i-"
	  "mvR26fQ.rn7pbOSjW0d4TqN3PeNChtUKiDGT0w.ulXPKYbkuwQAezkQUlU4xg" },
};
/* clang-format on */

#endif
