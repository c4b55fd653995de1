"""The library on data it did not make: public sets, default priors and settings everywhere."""
