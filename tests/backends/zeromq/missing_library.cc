// A shared object that is there when programs are built, and not where they run.
extern "C" int paracord_test_missing() {
  return 0;
}
