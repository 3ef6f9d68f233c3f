// Several labs at once on a small machine would make every test wait for the others' engines.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
