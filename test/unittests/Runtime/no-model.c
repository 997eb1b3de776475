/* A shared library that exports no model. */
int lig_no_model(void);
int lig_no_model(void) { return 0; }
