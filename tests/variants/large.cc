// Makes a program of 300 MiB.
asm(".pushsection .variant_large, \"a\", @progbits\n"
    ".fill 300 * 1024 * 1024 / 8, 8, 0x0123456789abcdef\n"
    ".popsection\n");
