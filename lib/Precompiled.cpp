// The object that owns the precompiled headers; see Precompiled.h.
